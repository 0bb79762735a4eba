#include "corpus/vocabulary.h"

namespace telltale::bench {

namespace {

constexpr std::string_view message_table[] = {
    "handled {p} for {u} in {d}",
    "cart {h} holds {i} items, total {i}.50",
    "connected to {a} after {d}",
    "cache hit ratio {i}% over {i} lookups",
    "accepted connection from {a}",
    "payment {g} captured",
    "published {i} messages to orders.{h}",
    "user {u} signed in from {a}",
    "scheduled job {h} next run in {d}",
    "flushed {s} to {n} in {d}",
    "session {h} refreshed for {u}",
    "GET {p} 200 {s} {d}",
    "POST {p} 201 {s} {d}",
    "compaction finished: {i} segments, 0 errors, {d}",
    "replica {n} caught up at offset {i}",
    "loaded configuration revision {h}",
    "queue depth {i}, oldest entry {d}",
    "checked out order {i} for {u}",
    "index shop_{h} refreshed, {i} documents",
    "worker {i} picked up task {h}",
    "reconciled deployment default/api-{h}, {i} replicas ready",
    "lease for {n} renewed, version {i}",
    "rate limit for {u}: {i} of 500 used",
    "sent mail to customer {i}, provider id {h}",
    "health check of {n} passed in {d}",
};

constexpr std::string_view error_table[] = {
    "failed to reach {a}: connection refused after {d}",
    "timeout of {d} exceeded while calling {p}",
    "could not charge order {i}: insufficient funds",
    "panic recovered in handler {p}",
    "unhandled exception in task {g}: NullPointerException",
    "error reading {p}: no such file or directory",
    "deadlock detected on relation {i}, transaction {h} aborted",
    "upstream {n} returned 503 for {p}",
};

constexpr std::string_view service_table[] = {"checkout", "catalog", "payments", "gateway", "search", "mailer", "inventory", "auth"};
constexpr std::string_view logger_table[] = {"shop.api", "shop.orders", "shop.db", "uvicorn.access", "celery.worker"};
constexpr std::string_view java_table[] = {"c.s.orders.OrderService", "c.s.web.RequestFilter", "o.a.k.clients.NetworkClient",
                                           "c.z.hikari.pool.HikariPool", "c.s.stock.StockRepository"};
constexpr std::string_view path_table[] = {
    "/api/v1/orders", "/api/v1/cart/items", "/health",           "/api/v1/users/me", "/static/app.js",
    "/api/v2/search", "/checkout/confirm",  "/images/4711.webp", "/api/v1/payments", "/metrics"};
constexpr std::string_view user_table[] = {"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"};

}  // namespace

std::span<const std::string_view> messages() {
  return message_table;
}
std::span<const std::string_view> error_messages() {
  return error_table;
}
std::span<const std::string_view> services() {
  return service_table;
}
std::span<const std::string_view> loggers() {
  return logger_table;
}
std::span<const std::string_view> java_classes() {
  return java_table;
}
std::span<const std::string_view> paths() {
  return path_table;
}
std::span<const std::string_view> users() {
  return user_table;
}

}  // namespace telltale::bench
