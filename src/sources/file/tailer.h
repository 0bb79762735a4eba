// The file source without its thread: which files there are, what they are, what is read next.
//
// Everything here is synchronous and belongs to one thread; the caller decides when to look and when to read. Split over several .cpp:
// tailer.cpp (reading and sending), tailer_scan.cpp (names), tailer_attach.cpp (recognising files), tailer_copies.cpp (the same bytes
// elsewhere), tailer_packed.cpp (compressed ones), tailer_hold.cpp (rotated files), tailer_sources.cpp (sources that come and go).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sources/file/commit_tracker.h"
#include "sources/file/file_metrics.h"
#include "sources/file/file_source.h"
#include "sources/file/listing.h"
#include "sources/file/origin.h"
#include "sources/packed/inspector.h"

namespace telltale::sources {

// Called back by sinks on any thread, perhaps after the source is gone.
class SpaceSignal {
 public:
  explicit SpaceSignal(Watcher& watcher) : watcher_(&watcher) {}
  void raise() TT_EXCLUDES(mutex_);
  bool take() TT_EXCLUDES(mutex_);
  // The watcher is not touched any more.
  void disconnect() TT_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  Watcher* watcher_ TT_GUARDED_BY(mutex_);
  bool raised_ TT_GUARDED_BY(mutex_) = false;
};

// Begins the names of sources that come and go.
inline constexpr std::string_view passing_source_prefix = "watch:";
inline constexpr std::string_view start_key_prefix = "file-start:";
// Key of the note that a source with another `start` than `beginning` was started before.
std::string start_key(const config::FileSource& source);
// Carries these notes: they belong to no file and no service. Internal (record/internal.h).
record::StreamRef note_stream();

class Tailer {
 public:
  Tailer(Patterns patterns, std::vector<config::FileSource> sources, FileSourceOptions options, FileSourcePorts ports, FileMetrics& metrics,
         CommitTracker& commits, const std::vector<record::Position>& positions);
  ~Tailer();

  // A further source, which the next scan() finds; its number for remove_source(). Its name begins with passing_source_prefix and tells it
  // from others; one that was removed may come back. With `resume` its files go on where an earlier engine was with them for such a
  // source; else those positions are forgotten. Positions of lasting sources are always gone on with.
  base::Result<std::size_t> add_source(config::FileSource source, bool resume);
  // What its files hold by now is still read; then they are let go, and positions of passing sources forgotten, unless another source
  // finds them.
  void remove_source(std::size_t source);
  // A scan saw all of its files: what comes up later is new.
  bool is_effective(std::size_t source) const { return !sources_[source].fresh; }

  // Looks at all names and sizes. `thorough` also looks for what became of files that are done with.
  void scan(bool thorough);
  // A file was written to.
  void touched(const std::string& path);
  // All events up to now were asked for; touched() of them follows.
  void events_were_read() { ++event_looks_; }
  // No event had come up to then.
  void was_quiet(base::UnixNanos then);
  // One block of each file that has something. True: call again at once.
  bool work();
  // Looks at rotated files: reads on, gives them up when nobody writes any more, closes what is idle.
  void tend();
  // work() has something to do.
  bool has_queued() const { return !queue_.empty() || inspector_.busy(); }
  // A rotated file may be written to without an event: call tend() now and then.
  bool has_held() const { return held_ > 0; }
  // Names changed while they were looked at: scan again.
  bool wants_scan() const { return rescan_ || has_fresh(); }
  // The store committed something. From any thread.
  void commit_arrived() {
    if (gap_waits_.exchange(false)) space_->raise();
  }

  // What a barrier waits for.
  struct Mark {
    std::string key;  // empty: the compressed files beside `path`
    std::string path;
    std::uint64_t size = 0;
    bool readable = true;  // false: it will not be reached before what hinders is mended
  };
  std::vector<Mark> marks() const;
  bool is_reached(const Mark& mark) const;

  // By path; what could not be read, with the reason.
  const std::map<std::string, base::Error>& problems() const { return problems_; }
  // Folders of whose changes no event tells, with the reason: only the looks at all names find them.
  const std::map<std::string, base::Error>& unwatched() const { return watch_problems_; }
  std::size_t streams() const;

 private:
  enum class Outcome : std::uint8_t { more, idle, gone };
  struct FollowedSource {
    config::FileSource config;
    bool active = true;             // else it finds nothing; its number stands in origins that end
    bool fresh = true;              // no scan saw its files yet: those that stand there were there before it
    bool started = false;           // an earlier engine made its first look
    bool noted = false;             // the store knows of its first look
    base::UnixNanos looked_at = 0;  // when the first scan began that saw all of its files; 0: none did
  };
  struct Fresh {
    SeenFile seen;
    bool done = false;
    bool cut = false;  // its beginning was followed before and is another one now
  };
  using FreshFiles = std::vector<Fresh>;

  // Reading and sending.
  Outcome advance(Origin& origin);
  Outcome read_more(Origin& origin);
  void prepare(Origin& origin, LineBlock block);
  std::unique_ptr<const record::InnerPositions> inner_positions(const Origin& origin) const;
  bool send_pending(Origin& origin);
  bool send_position(Origin& origin);
  bool send_gap(Origin& origin);
  bool push(Origin& origin, record::RawBlock& block);
  std::string position_text(Origin& origin, std::uint64_t offset, std::uint64_t line, std::string_view head, std::string_view tail);
  std::string present_position(Origin& origin);
  bool open(Origin& origin);
  void close(Origin& origin);
  void close_idlest();
  void fail(Origin& origin, const base::Error& error);
  void enqueue(Origin& origin);
  void mark_drained(Origin& origin);
  void set_size(Origin& origin, std::uint64_t size);
  void note_growth(Origin& origin, bool grew);
  bool check_size(Origin& origin);
  base::Result<bool> still_holds(Origin& origin);
  void note_problem(const std::string& path, const base::Error& error);

  // Names.
  void watch(const Listing& listing);
  void retry_failed();
  void end_scan();
  FreshFiles place_known(const Listing& listing);
  void place(Origin& origin, const SeenFile& seen);
  void note_lineages(const FreshFiles& fresh);
  void detach_missing(const Listing& listing);
  void look_beside(const Listing& listing, FreshFiles& fresh, bool thorough);
  void detach_unlisted(bool thorough);
  void look_beside_lineage(const std::string& lineage, std::size_t source, const std::set<std::string>& listed, FreshFiles& fresh);
  void forget_missing();
  base::UnixNanos newest_first_seen(const std::string& lineage) const;

  // Recognising.
  void attach(FreshFiles& fresh, const Listing& listing);
  void attach_by_identity(FreshFiles& fresh);
  void attach_by_content(FreshFiles& fresh);
  void attach_moved(FreshFiles& fresh);
  void recognise_copies(FreshFiles& fresh);
  void attach_to_copies(const FreshFiles& fresh);
  void end_in_copy(const std::string& key, const FilePosition& position, const SeenFile& seen);
  void settle_missing(const FreshFiles& fresh);
  static bool is_opaque(const OriginTable& origins, const FilePosition& position, const FreshFiles& fresh);
  std::size_t source_of(const std::string& lineage) const;
  std::unique_ptr<Origin> origin_of(const std::string& key, const FilePosition& position, std::size_t source) const;
  bool is_like_its_copies(base::ReadableFile& file, const FilePosition& position, std::size_t source);
  bool is_young_copy(const SeenFile& seen, const std::string& lineage);
  void add_copy(Origin& origin, const FileIdentity& copy);
  void attach_new(FreshFiles& fresh, const Listing& listing);
  bool resume(Fresh& fresh, const std::string& key, const FilePosition& position);
  bool is_known_copy(const FileIdentity& identity, bool of_stored_too = true) const;
  std::string lineage_of(const SeenFile& seen, const Listing& listing) const;
  Origin& add_origin(std::unique_ptr<Origin> origin);
  void ignore_older_siblings(Origin& origin);
  Origin& add_new(const SeenFile& seen, const std::string& lineage, base::UnixNanos since, std::unique_ptr<base::ReadableFile> file);
  std::unique_ptr<base::ReadableFile> open_seen(const SeenFile& seen);
  base::Result<std::unique_ptr<base::ReadableFile>> open_path(const std::string& path, const std::optional<PackedVerdict>& packed);
  record::StreamRef stream_of(std::size_t source, const std::string& lineage) const;
  void mark_first_start();
  base::Status begin_late(Origin& origin, const std::string& start);

  // Compressed forms.
  void add_fresh(const SeenFile& seen, FreshFiles& fresh);
  bool inspect(SeenFile& seen, const std::string& lineage);
  std::uint64_t size_now(Origin& origin, const SeenFile& seen);
  void look_beside_packed(const std::string& lineage, std::size_t source, FreshFiles& fresh);
  bool recall_packed(const SeenFile& seen);
  base::UnixNanos watched_since(const std::string& lineage, std::size_t source) const;
  void attach_packed(FreshFiles& fresh);
  bool attach_packed_to(Origin& origin, Fresh& fresh);
  bool may_begin_in(const FilePosition& position, const SeenFile& seen) const;
  bool is_missed(const SeenFile& seen, const std::string& lineage) const;
  bool has_plain_twin(const Fresh& packed, const FreshFiles& fresh);
  bool take_packed_form(Origin& origin);
  void move_to(Origin& origin, const SeenFile& seen, std::unique_ptr<base::ReadableFile> file);
  void note_damage();
  std::optional<record::Gap> damage_gap(const Origin& origin) const;
  bool is_lost(const Origin& origin) const { return origin.rotated && !origin.listed && !origin.forget && origin.seen_in != stamp_; }
  // Compressed files beside the lineage are being looked through or still written: what was missed may be in them.
  bool is_unclear(const std::string& lineage) const { return unclear_.contains(lineage); }
  bool may_be_packed(const std::string& lineage) const { return is_unclear(lineage) || unreadable_.contains(lineage); }

  // Sources that come and go.
  bool has_fresh() const;
  bool is_first_look(const SeenFile& seen) const;
  void end_first_looks();
  std::size_t slot_for(const std::string& name);
  bool covers_other(std::size_t source, const std::string& path, std::size_t& other) const;
  void leave(Origin& origin);
  static bool is_passing(const Origin& origin);
  void keep_position(Origin& origin);
  void forget_stored(std::size_t source);
  void send_forgotten();

  // Rotated, truncated, given up.
  void on_replaced(Origin& origin);
  bool move_to_copy(Origin& origin);
  bool seek_packed_copy(Origin& origin);
  void finish(Origin& origin);
  void tend_rotated(Origin& origin, base::MonoNanos now, std::vector<Origin*>& held);
  void limit_deleted(const std::vector<Origin*>& held);
  void let_go(Origin& origin);
  record::Gap gap_of(const Origin& origin, record::GapReason reason, std::uint64_t from, std::uint64_t to) const;
  void give_up(Origin& origin, record::GapReason reason);
  void drop(Origin& origin);
  void add_path(Origin& origin, const std::string& path);
  std::vector<SeenFile> siblings(const std::string& lineage, std::size_t source, bool packed = false);

  Patterns patterns_;
  std::vector<FollowedSource> sources_;  // as many as patterns_ has
  const FileSourceOptions options_;
  const FileSourcePorts ports_;
  FileMetrics& metrics_;
  CommitTracker& commits_;
  const std::shared_ptr<SpaceSignal> space_;  // second owners: callbacks that sinks hold
  Inspector inspector_;
  OriginTable origins_;
  std::map<std::string, Origin*> by_path_;
  std::map<std::string, FilePosition> stored_;     // by key: positions whose file was not found yet
  std::set<std::string> rotated_lineages_;         // since the last look beside them
  std::map<std::string, std::size_t> unclear_;     // lineages, with their source: see is_unclear
  std::map<std::string, std::size_t> unreadable_;  // the same, but the compressed file cannot be read
  std::set<FileIdentity> stood_there_;             // at the first look of their source, and were not clear then
  std::set<std::string> watched_;
  std::map<std::string, base::Error> problems_;
  std::map<std::string, base::Error> problems_before_;  // while scanning: those that were said already
  std::map<std::string, base::Error> watch_problems_;
  std::deque<Origin*> queue_;
  std::set<std::string> start_notes_;                   // keys of the notes that the store has: sources that were started before
  std::map<std::string, record::StreamRef> to_forget_;  // keys of positions and notes that are to be removed, with a stream to say so
  std::size_t open_ = 0;
  std::size_t held_ = 0;
  std::size_t pending_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t made_ = 0;
  std::uint64_t event_looks_ = 1;      // how often events were asked for
  std::uint64_t stamp_ = 0;            // number of the present scan
  base::UnixNanos this_scan_ = 0;      // when it began
  base::UnixNanos complete_scan_ = 0;  // when the last one began that no change of names disturbed
  base::UnixNanos before_scan_ = 0;    // and the one before that
  unsigned rescans_ = 0;               // since then
  bool first_scan_ = true;
  bool rescan_ = false;
  std::atomic<bool> gap_waits_{false};
};

}  // namespace telltale::sources
