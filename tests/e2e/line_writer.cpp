// Writes numbered lines into several files, in bursts that come to a steady rate, and rotates the files by renaming, until SIGTERM.
//
//   line_writer FOLDER FILES LINES_PER_SECOND RENAMES_PER_SECOND
//
// A line: "INFO w<file> n<number> p<payload> <padding>"; the payload is a function of file and number (see payload()). Files are
// FOLDER/w<file>.log, rotated ones FOLDER/w<file>.log.<count>. FOLDER/progress holds 64-bit counters, mapped so that a reader sees them
// at once: per file the lines and the bytes that write(2) has taken.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> stop_requested{false};

struct Progress {
  std::atomic<std::uint64_t> lines;
  std::atomic<std::uint64_t> bytes;
};

std::uint32_t payload(unsigned file, std::uint64_t number) {
  return static_cast<std::uint32_t>((number * 2654435761u + file * 40503u) & 0xffffffffu);
}

class LogFile {
 public:
  LogFile(std::string folder, unsigned index, Progress& progress)
      : path_(folder + "/w" + std::to_string(index) + ".log"), index_(index), progress_(progress) {
    open();
  }
  ~LogFile() { ::close(descriptor_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Several lines with one write; the last may be cut, the rest of it comes with the next call.
  void write(unsigned count) {
    std::string text = std::move(rest_);
    rest_.clear();
    for (unsigned i = 0; i < count; ++i) {
      char line[160];
      const int size = std::snprintf(line, sizeof line, "INFO w%u n%llu p%08x %.*s\n", index_, static_cast<unsigned long long>(next_),
                                     payload(index_, next_), static_cast<int>(20 + next_ % 60),
                                     "the quick brown fox jumps over the lazy dog and the dog does not mind at all today");
      text.append(line, static_cast<std::size_t>(size));
      ++next_;
    }
    std::uint64_t whole = next_;
    if (next_ % 7 == 0 && text.size() > 10) {
      rest_ = text.substr(text.size() - 10);
      text.resize(text.size() - 10);
      --whole;
    }
    put(text);
    progress_.lines = whole;
  }
  void rotate() {
    finish();
    std::rename(path_.c_str(), (path_ + "." + std::to_string(++rotations_)).c_str());
    ::close(descriptor_);
    open();
  }
  void finish() {
    put(rest_);
    rest_.clear();
    progress_.lines = next_;
  }

 private:
  void open() {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0) std::perror(path_.c_str()), std::exit(1);
  }
  void put(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t written = ::write(descriptor_, text.data() + done, text.size() - done);
      if (written < 0) std::perror(path_.c_str()), std::exit(1);
      done += static_cast<std::size_t>(written);
      progress_.bytes += static_cast<std::uint64_t>(written);
    }
  }

  const std::string path_;
  const unsigned index_;
  Progress& progress_;
  int descriptor_ = -1;
  std::uint64_t next_ = 0;
  unsigned rotations_ = 0;
  std::string rest_;
};

Progress* map_progress(const std::string& folder, std::size_t files) {
  const int descriptor = ::open((folder + "/progress").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const std::size_t size = files * sizeof(Progress);
  if (descriptor < 0 || ::ftruncate(descriptor, static_cast<off_t>(size)) != 0) std::perror("progress"), std::exit(1);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) std::perror("progress"), std::exit(1);
  return static_cast<Progress*>(memory);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: line_writer FOLDER FILES LINES_PER_SECOND RENAMES_PER_SECOND\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  const unsigned count = static_cast<unsigned>(std::atoi(argv[2]));
  const double rate = std::atof(argv[3]);
  const double renames = std::atof(argv[4]);
  std::signal(SIGTERM, [](int) { stop_requested = true; });

  Progress* progress = map_progress(folder, count);
  std::vector<std::unique_ptr<LogFile>> files;
  for (unsigned i = 0; i < count; ++i) files.push_back(std::make_unique<LogFile>(folder, i, progress[i]));
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t written = 0;
  std::uint64_t renamed = 0;
  std::minstd_rand random;
  std::uniform_int_distribution<int> pause_ms(1, 25);
  while (!stop_requested) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto due = static_cast<std::uint64_t>(elapsed * rate);
    // What a busy machine made late is caught up in pieces.
    const std::uint64_t each = std::min<std::uint64_t>((due - written) / count + 1, 2000);
    for (auto& file : files) file->write(static_cast<unsigned>(each));
    written += each * count;
    for (; renamed < static_cast<std::uint64_t>(elapsed * renames); ++renamed) files[renamed % count]->rotate();
    if (written >= due) std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms(random)));
  }
  for (auto& file : files) file->finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"lines\": %llu, \"seconds\": %.3f, \"renames\": %llu}\n", static_cast<unsigned long long>(written), seconds,
              static_cast<unsigned long long>(renamed));
  return 0;
}
