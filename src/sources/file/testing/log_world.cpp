#include "sources/file/testing/log_world.h"

#include <sys/stat.h>

#include <thread>

#include "base/assert.h"
#include "sources/file/rotation_name.h"

namespace telltale::sources::testing {

std::string LogWorld::folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash + 1);
}

// The name that programs write to.
std::string LogWorld::lineage_of(const std::string& name) const {
  return folder_of(name) + base_name_of(base::file_name(name));
}

std::string LogWorld::target_of(const std::string& name) const {
  const auto link = links_.find(name);
  return link == links_.end() ? name : link->second;
}

std::vector<std::string> LogWorld::rotated(const std::string& name) const {
  std::vector<std::string> found;
  for (const auto* map : {&files_, &copies_})
    for (const auto& [other, stands] : *map)
      if (other != name && lineage_of(other) == name) found.push_back(other);
  return found;
}

// What of the body can be found by its names now.
void LogWorld::recount(Body body) {
  std::uint64_t kept = 0;
  for (const auto* map : {&files_, &copies_})
    for (const auto& [name, stands] : *map)
      if (stands.body == body) kept = std::max(kept, stands.bytes);
  oracle_.found(body, kept, t_.store);
}

void LogWorld::append(const std::string& name, std::string_view bytes) {
  auto file = files_.find(name);
  if (file == files_.end()) {
    file = files_.emplace(name, Stands{oracle_.begin(t_.path(name))}).first;
    lineages_[file->second.body] = name;
  }
  oracle_.write(file->second.body, bytes);
  t_.append(target_of(name), bytes);
}

void LogWorld::open_writer(const std::string& name) {
  std::FILE* file = std::fopen(t_.path(target_of(name)).c_str(), "r+");
  TT_ASSERT(file != nullptr, "a log file can be opened");
  const Body body = files_.at(name).body;
  writer_ = Writer{std::shared_ptr<std::FILE>(file, &std::fclose), body, oracle_.bytes(body).size()};
}

// At the place where it was, as programs do that do not open their log to append. What it writes belongs to what its file is now.
void LogWorld::write_stale(std::string_view bytes) {
  struct stat status{};
  ::fstat(::fileno(writer_->file.get()), &status);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0 && !oracle_.bytes(writer_->body).empty()) {
    // Truncated below it: a hole up to its place.
    for (auto& [name, stands] : files_) {
      struct stat other{};
      if (::stat(t_.path(target_of(name)).c_str(), &other) != 0 || other.st_ino != status.st_ino) continue;
      const Body fresh = oracle_.begin(t_.path(lineages_.at(stands.body)), writer_->at);
      lineages_[fresh] = lineages_.at(stands.body);
      writer_->body = stands.body = fresh;
    }
  }
  const bool mine = size == 0 || size == writer_->at;
  if (!mine || oracle_.bytes(writer_->body).size() != writer_->at) return close_writer();  // others wrote to it since
  std::fseek(writer_->file.get(), static_cast<long>(writer_->at), SEEK_SET);
  std::fwrite(bytes.data(), 1, bytes.size(), writer_->file.get());
  std::fflush(writer_->file.get());
  writer_->at += bytes.size();
  oracle_.write(writer_->body, bytes);
  recount(writer_->body);
}

void LogWorld::rename(const std::string& from, const std::string& to) {
  if (files_.contains(to) || copies_.contains(to)) remove(to);
  std::filesystem::create_directories(base::parent_path(t_.path(to)));
  t_.rename(from, to);
  auto& map = files_.contains(from) ? files_ : copies_;
  auto node = map.extract(from);
  node.key() = to;
  const Body body = node.mapped().body;
  map.insert(std::move(node));
  oracle_.named(body, t_.path(lineage_of(to)));
  oracle_.named(body, t_.path(to));
}

void LogWorld::copy(const std::string& from, const std::string& to) {
  if (files_.contains(to) || copies_.contains(to)) remove(to);
  const Body body = files_.at(from).body;
  // Of a file that nobody saw yet, only its age tells that the other is the copy.
  const base::UnixNanos written = t_.clock.wall();
  while (!seen_.contains(body) && t_.clock.wall() < written + 2 * coarse_clock_ns) std::this_thread::yield();
  t_.copy(target_of(from), to);
  copies_[to] = {body, oracle_.bytes(body).size()};
}

void LogWorld::truncate(const std::string& name) {
  const Body old = files_.at(name).body;
  t_.truncate(target_of(name));
  const Body fresh = oracle_.begin(t_.path(lineages_.at(old)));
  oracle_.named(fresh, t_.path(lineage_of(name)));
  lineages_[fresh] = lineages_.at(old);
  files_.at(name).body = fresh;
  oracle_.taken_away(old);
  recount(old);
}

void LogWorld::remove(const std::string& name) {
  auto& map = files_.contains(name) ? files_ : copies_;
  const Body body = map.at(name).body;
  std::filesystem::remove(t_.path(name));
  map.erase(name);
  recount(body);
}

void LogWorld::replace_by_copy(const std::string& name, const std::string& to) {
  const std::string between = "elsewhere/" + std::to_string(++made_);
  std::filesystem::create_directories(t_.path("elsewhere"));
  t_.copy(target_of(name), between);
  std::filesystem::create_directories(base::parent_path(t_.path(to)));
  if (to != name && exists(to)) remove(to);
  std::filesystem::remove(t_.path(name));
  t_.rename(between, to);
  auto node = files_.extract(name);
  node.key() = to;
  const Body body = node.mapped().body;
  files_.insert(std::move(node));
  oracle_.named(body, t_.path(lineage_of(to)));
  if (writer_ && writer_->body == body) close_writer();
}

void LogWorld::point_to_new(const std::string& link) {
  const std::string target = "elsewhere/target." + std::to_string(++made_);
  t_.append(target, "");
  std::filesystem::remove(t_.path(link));
  std::filesystem::create_symlink(t_.path(target), t_.path(link));
  links_[link] = target;
  std::optional<Body> old;
  if (files_.contains(link)) old = files_.at(link).body;
  const Body fresh = oracle_.begin(t_.path(link));
  lineages_[fresh] = link;
  files_[link] = {fresh};
  if (old) recount(*old);
}

void LogWorld::looked(bool keeps_open) {
  for (const auto& [name, stands] : files_) {
    // A rotated file is looked for when something of its name is known.
    const bool listed = lineage_of(name) == name || t_.tailer == nullptr;
    if (!listed && !known_.contains(lineage_of(name)) && !seen_.contains(stands.body)) {
      oracle_.unseen(stands.body);
      continue;
    }
    if (listed) known_.insert(name);
    seen_.insert(stands.body);
    oracle_.looked(stands.body, keeps_open);
  }
}

std::set<LogWorld::Body> LogWorld::waiting() const {
  std::set<Body> bodies;
  for (const auto& [name, stands] : files_) bodies.insert(stands.body);
  return bodies;
}

}  // namespace telltale::sources::testing
