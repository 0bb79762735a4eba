#include "pipeline/detect/negative.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace telltale::pipeline {
namespace {

// Every occurrence of one of the default words is refused.
bool all_refused(const std::string& line) {
  const std::string lower = base::to_lower(line);
  bool any = false;
  for (const std::string word : {"error", "exception", "failed", "timeout", "panic", "fatal", "crash", "traceback"}) {
    for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
      any = true;
      if (!is_no_error(line, at, at + word.size())) return false;
    }
  }
  EXPECT_TRUE(any) << "no word in: " << line;
  return any;
}

class NoError : public testing::TestWithParam<const char*> {};
class AnError : public testing::TestWithParam<const char*> {};

TEST_P(NoError, IsRefused) {
  EXPECT_TRUE(all_refused(GetParam())) << GetParam();
}
TEST_P(AnError, IsKept) {
  EXPECT_FALSE(all_refused(GetParam())) << GetParam();
}

INSTANTIATE_TEST_SUITE_P(ZeroCounts, NoError,
                         testing::Values("0 errors", "compiled with 0 errors", "finished: 0 errors, 3 warnings", "errors: 0",
                                         "Errors: 0, Skipped: 2", "error_count=0", "failed=0", "errors=0 warnings=1",
                                         R"({"errors":0,"passed":12})", R"({"error":null})", R"({"error": "", "ok": true})",
                                         R"({"errors":[]})", R"({"msg":"{\"error\":null}"})", "no errors found", "No error",
                                         "without errors", "without any error", "completed with no fatal errors", "zero errors",
                                         "error(s): 0", "failed tests: 0", "error rate: 0.0%", "error rate: 0%", "err: nil, error: <nil>",
                                         "0 failed, 12 passed", "panic=0", "exceptions: none", "fatal: false", "0 compile errors",
                                         "error='' status=done", "error=none user=x", "Errors : 0"));

INSTANTIATE_TEST_SUITE_P(Settings, NoError,
                         testing::Values("timeout=30s", "timeout: 5000", R"("timeout": 5000)", "connect_timeout_ms=100",
                                         "timeoutSeconds: 30", "using a timeout of 30s", "with timeout 30s", "read timeout 5000ms",
                                         "request_timeout = 2.5", "error_log /var/log/nginx/e.log debug", "error_log=/x", "panic_on_oops=1",
                                         "on_error=continue", "retry-on-timeout: true", "failed_login_limit=5", "log_errors = On",
                                         "timeout (10s)", "session timeout set to 30 minutes", "timeout=none", "crash_dump_dir=/tmp",
                                         "reading /var/log/app/error.log", "non-fatal", "loading crashlytics"));

INSTANTIATE_TEST_SUITE_P(Errors, AnError,
                         testing::Values("ERROR", "10 errors", "errors: 10", "errors: 3, warnings: 0", "error_count=1", "failed=2",
                                         "20 errors", "1.0 errors", "error: connection refused", "Error 0x80004005", "connection failed",
                                         "request timeout", "timeout after 30s", "timeout of 30000ms exceeded",
                                         "timeout: no answer from host", "java.lang.NullPointerException: x", "TimeoutError",
                                         "service crashed", "kernel panic - not syncing", "panic: runtime error", R"({"error":"boom"})",
                                         R"({"errors":[{"code":1}]})", "fatal: not a git repository", "error: null pointer dereference",
                                         "error: none of the hosts answered", "Failed to start unit", "code=0 error=disk", "timeout=true",
                                         "errors: 0.5%", "unhandled exception at 0", "i/o timeout", "upstream timed out, failed"));

}  // namespace
}  // namespace telltale::pipeline
