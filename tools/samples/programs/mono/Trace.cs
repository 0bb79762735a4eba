using System;

class Order {
  static void Load(int id) { throw new InvalidOperationException("no order " + id); }

  static void Answer(int id) {
    try { Load(id); } catch (InvalidOperationException error) { throw new ApplicationException("cannot answer", error); }
  }

  static void Main() {
    Console.Error.WriteLine("start");
    try { Answer(1); } catch (ApplicationException error) {
      Console.Error.WriteLine("{0:yyyy-MM-dd HH:mm:ss.fff} ERROR order failed{1}{2}", DateTime.UtcNow, Environment.NewLine, error);
    }
    Console.Error.WriteLine("between");
    Answer(2);
  }
}
