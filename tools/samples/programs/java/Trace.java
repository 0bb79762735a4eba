import java.util.logging.Level;
import java.util.logging.Logger;

public class Trace {
  static class Resource implements AutoCloseable {
    public void close() {
      throw new IllegalStateException("cannot close");
    }
  }

  static void read() {
    try (Resource resource = new Resource()) {
      throw new RuntimeException("cannot read\nsecond line of the message");
    }
  }

  static void load() {
    try {
      read();
    } catch (RuntimeException error) {
      throw new IllegalArgumentException("bad order", error);
    }
  }

  public static void main(String[] words) throws Exception {
    System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tF %1$tT.%1$tL %4$s %5$s%6$s%n");
    Logger log = Logger.getLogger("shop");
    log.info("start");
    try {
      load();
    } catch (IllegalArgumentException error) {
      log.log(Level.SEVERE, "order failed", error);
    }
    log.info("between");
    Exception a = new Exception("a");
    Exception b = new Exception("b", a);
    a.initCause(b);
    b.printStackTrace();
    log.warning("still there");
    Thread thread = new Thread(() -> { throw new ArithmeticException("in a thread"); }, "worker-1");
    thread.start();
    thread.join();
    load();
  }
}
