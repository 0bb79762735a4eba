#include "sources/packed/unpacker.h"

#include <algorithm>
#include <limits>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/assert.h"

namespace telltale::sources {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // zlib: + 16 means gzip's header and trailer
constexpr int most_window_log = 27;        // zstd's own limit without --long or --memory
constexpr char gzip_magic = '\x1f';

unsigned bounded(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<unsigned>::max()));
}

class GzipUnpacker final : public Unpacker {
 public:
  GzipUnpacker() { ready_ = ::inflateInit2(&stream_, gzip_window_bits) == Z_OK; }
  ~GzipUnpacker() override {
    if (ready_) ::inflateEnd(&stream_);
  }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  Step step(std::span<const char> in, std::span<char> out) override {
    if (!ready_) return damaged("no memory to unpack it");
    if (rest_is_foreign_) return {in.size(), 0, UnpackState::ended};
    if (between_ && !in.empty() && !begin_member(in.front())) return {in.size(), 0, UnpackState::ended};
    if (between_) return {0, 0, UnpackState::ended};
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // zlib does not write to it
    stream_.avail_in = bounded(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = bounded(out.size());
    const unsigned had_in = stream_.avail_in;
    const unsigned had_out = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    Step step{had_in - stream_.avail_in, had_out - stream_.avail_out, UnpackState::going};
    if (result == Z_STREAM_END) {
      between_ = true;
      members_ = true;
      step.state = UnpackState::ended;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return failed(step, in.size());
    }
    return step;
  }

 private:
  Step damaged(const char* reason) {
    reason_ = reason;
    return {0, 0, UnpackState::damaged};
  }
  // False: what follows is no member, and nothing of it is wanted.
  bool begin_member(char first) {
    rest_is_foreign_ = first != gzip_magic || ::inflateReset(&stream_) != Z_OK;
    between_ = rest_is_foreign_;
    return !rest_is_foreign_;
  }
  Step failed(Step step, std::size_t in) {
    // A later member without a sound header is none.
    if (members_ && stream_.total_out == 0 && stream_.total_in < 4) {
      rest_is_foreign_ = true;
      return {in, 0, UnpackState::ended};
    }
    reason_ = stream_.msg != nullptr ? stream_.msg : "not in gzip's format";
    step.state = UnpackState::damaged;
    return step;
  }

  z_stream stream_{};
  bool ready_ = false;
  bool between_ = false;  // a member ended, none has begun since
  bool members_ = false;  // one was whole
  bool rest_is_foreign_ = false;
};

class ZstdUnpacker final : public Unpacker {
 public:
  ZstdUnpacker() : stream_(::ZSTD_createDStream(), &::ZSTD_freeDStream) {
    if (stream_ != nullptr) ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, most_window_log);
  }

  Step step(std::span<const char> in, std::span<char> out) override {
    if (stream_ == nullptr) {
      reason_ = "no memory to unpack it";
      return {0, 0, UnpackState::damaged};
    }
    if (rest_is_foreign_) return {in.size(), 0, UnpackState::ended};
    if (between_ && in.empty()) return {0, 0, UnpackState::ended};
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ::ZSTD_decompressStream(stream_.get(), &to, &from);
    if (::ZSTD_isError(result) != 0) return failed({from.pos, to.pos, UnpackState::damaged}, result, in.size());
    between_ = result == 0;
    frames_ = frames_ || between_;
    return {from.pos, to.pos, between_ ? UnpackState::ended : UnpackState::going};
  }

 private:
  Step failed(Step step, std::size_t result, std::size_t in) {
    if (frames_ && ::ZSTD_getErrorCode(result) == ZSTD_error_prefix_unknown) {
      rest_is_foreign_ = true;
      return {in, step.given, UnpackState::ended};
    }
    reason_ = ::ZSTD_getErrorName(result);
    return step;
  }

  std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream_;
  bool between_ = false;
  bool frames_ = false;
  bool rest_is_foreign_ = false;
};

}  // namespace

Packing packing_of(std::string_view name) {
  if (name.ends_with(".gz")) return Packing::gzip;
  if (name.ends_with(".zst")) return Packing::zstd;
  return Packing::none;
}

std::unique_ptr<Unpacker> make_unpacker(Packing packing) {
  TT_ASSERT(packing != Packing::none, "something to unpack");
  if (packing == Packing::gzip) return std::make_unique<GzipUnpacker>();
  return std::make_unique<ZstdUnpacker>();
}

}  // namespace telltale::sources
