#include "sources/relay/stream_reader.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace telltale::sources {

namespace {

constexpr std::size_t small_read = 8 * 1024;
constexpr int rest_ms = 1;
constexpr std::size_t most_last_lines = 20;
constexpr std::size_t longest_last_line = 400;

}  // namespace

StreamReader::StreamReader(StreamReaderOptions options, StreamReaderPorts ports, base::Descriptor pipe, base::Descriptor through)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      pipe_(std::move(pipe)),
      through_(std::move(through)),
      lines_(options_.begin, ports_.max_line_bytes),
      dry_(options_.dry),
      ready_(options_.ready_text.empty()),
      handled_(options_.begin.offset),
      passed_on_(options_.begin.offset),
      read_bytes_(options_.begin.offset) {}

void StreamReader::run(int stop) {
  if (!take_over()) return pass_off();
  while (true) {
    pollfd wait[] = {{pipe_.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(wait, 2, -1) < 0 && errno != EINTR) break;
    if (wait[1].revents != 0) return;
    if (wait[0].revents == 0) continue;
    const Got got = read_some();
    if (got.is_end) break;
    if (got.bytes.empty()) continue;
    handle(got.bytes);
    if (!pass_through(got.bytes)) return pass_off();
    passed_on_ += got.bytes.size();
    if (through_.valid()) ports_.on_bytes();
    note_if_empty();
    // Who writes line by line would wake this thread for each: the next lines are read together.
    if (got.bytes.size() < small_read) ::poll(wait + 1, 1, rest_ms);
  }
  finish();
}

// What the relay before had taken out of the pipe in the moment of its death.
bool StreamReader::take_over() {
  if (!options_.resumed) return true;
  const std::string left = ports_.progress.left(options_.number);
  if (left.empty()) return true;
  {
    base::MutexLock lock(mutex_);
    read_at_ = ports_.clock.mono();
    read_bytes_ += left.size();
  }
  handle(left);
  if (!pass_through(left)) return false;
  passed_on_ += left.size();
  return true;
}

std::size_t StreamReader::bytes_in_pipe() const {
  int left = 0;
  return ::ioctl(pipe_.get(), FIONREAD, &left) == 0 && left > 0 ? static_cast<std::size_t>(left) : 0;
}

// No more than there is, so that all of it comes (see Progress). `bytes` are valid until the next one.
StreamReader::Got StreamReader::read_some() {
  base::MutexLock lock(mutex_);
  const auto place = ports_.progress.begin_read(options_.number, std::max<std::size_t>(bytes_in_pipe(), 1));
  const ssize_t got = ::read(pipe_.get(), place.data(), place.size());
  if (got < 0) return {{}, errno != EINTR && errno != EAGAIN};
  if (got == 0) return {{}, true};
  read_at_ = ports_.clock.mono();
  read_bytes_ += static_cast<std::uint64_t>(got);
  return {{place.data(), static_cast<std::size_t>(got)}, false};
}

// First the account, then what can be seen elsewhere: a relay that is killed in between leaves a gap of the right size.
void StreamReader::handle(std::string_view bytes) {
  blocks_.clear();
  lines_.set_max_line_bytes(ports_.max_line_bytes);
  lines_.take(bytes, read_at_, dry_, blocks_);
  dry_.reset();
  ports_.progress.set_read(options_.number, lines_.place());
  for (auto& block : blocks_) {
    look_at(block);
    ports_.spool.push(options_.number, std::move(block));
  }
  handled_ += bytes.size();
  ports_.on_bytes();
}

void StreamReader::look_at(const PipeBlock& block) {
  if (!ready_ && block.bytes.find(options_.ready_text) != std::string::npos) {
    ready_ = true;
    ports_.on_ready();
  }
  base::MutexLock lock(mutex_);
  std::string_view rest = block.bytes;
  // Of a large block its end alone.
  constexpr std::size_t enough = most_last_lines * longest_last_line;
  if (rest.size() > enough) rest.remove_prefix(rest.size() - enough);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    last_lines_.emplace_back(rest.substr(0, std::min(end, longest_last_line)));
    if (last_lines_.size() > most_last_lines) last_lines_.pop_front();
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

// False when nobody reads there any more: the program is to see that too, as it would without this.
bool StreamReader::pass_through(std::string_view bytes) {
  while (through_.valid() && !bytes.empty()) {
    const ssize_t written = ::write(through_.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody else made it not wait.
      pollfd wait{through_.get(), POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      // A full disk, say. It is not the program's fault: it goes on, and this is told at the end.
      through_failure_ = errno;
      return true;
    }
  }
  return true;
}

// What the program wrote before it could see that nobody reads is captured; then the pipe is closed, as a reader's end would be.
void StreamReader::pass_off() {
  through_.reset();
  const std::uint64_t until = handled_ + bytes_in_pipe();
  while (handled_ < until) {
    const Got got = read_some();
    if (got.is_end) break;
    handle(got.bytes);
  }
  finish();
  ports_.on_passed_off();
}

void StreamReader::note_if_empty() {
  const base::MonoNanos now = ports_.clock.mono();
  if (bytes_in_pipe() == 0) dry_ = now;
}

void StreamReader::finish() {
  auto last = lines_.finish(ports_.clock.mono());
  ports_.progress.set_read(options_.number, lines_.place());
  if (last) {
    look_at(*last);
    ports_.spool.push(options_.number, std::move(*last));
  }
  ports_.spool.end(options_.number, lines_.place());
  through_.reset();
  {
    base::MutexLock lock(mutex_);
    pipe_.reset();
    ended_ = true;
  }
  ports_.on_bytes();
  ports_.on_end();
}

std::uint64_t StreamReader::known_bytes() {
  base::MutexLock lock(mutex_);
  return read_bytes_ + (ended_ ? 0 : bytes_in_pipe());
}

std::vector<std::string> StreamReader::last_lines() const {
  base::MutexLock lock(mutex_);
  return {last_lines_.begin(), last_lines_.end()};
}

}  // namespace telltale::sources
