// telltale token: who may ask the engine. Works on the data folder, with or without a running engine, which notices within seconds.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/context.h"
#include "store/catalog/catalog.h"

namespace telltale::cli {

namespace {

struct TokenOptions {
  std::string name;
  std::string roles = "viewer";
  std::string id;
};

base::Result<std::unique_ptr<store::Catalog>> open_catalog(Context& context) {
  const auto loaded = context.load_config();
  if (!loaded) return std::unexpected(loaded.error());
  const std::string& folder = loaded->config.store.data;
  if (const auto there = context.files.info(folder); !there) {
    return base::fail(base::ErrorCode::not_found, fmt::format("the data folder {} does not exist", folder),
                      "Start an engine with it first, or name another with --data.");
  }
  return store::Catalog::open(folder, context.files, context.clock, context.random, nullptr);
}

int run_create(Context& context, const TokenOptions& options) {
  auto catalog = open_catalog(context);
  if (!catalog) return report(catalog.error());
  const auto made = (*catalog)->create_token(options.name, options.roles, "");
  if (!made) return report(made.error());
  if (context.options.json) {
    print(fmt::format("{{\"id\":\"{}\",\"token\":\"{}\"}}\n", made->info.id, made->token));
  } else {
    note(fmt::format("Token {} for {} ({}); it is shown this once:", made->info.id, options.name, made->info.roles));
    print(made->token + "\n");
  }
  return exit_good;
}

std::string list_json(const std::vector<store::TokenInfo>& tokens) {
  std::string out = "[";
  for (const auto& token : tokens) {
    if (out.size() > 1) out += ',';
    out += fmt::format("{{\"id\":\"{}\",\"role\":\"{}\",\"created\":\"{}\",\"revoked\":{},\"name\":", token.id, token.roles,
                       base::format_rfc3339(token.created, 3), token.revoked);
    base::append_json_string(out, token.name);
    out += '}';
  }
  return out + "]\n";
}

int run_list(Context& context) {
  auto catalog = open_catalog(context);
  if (!catalog) return report(catalog.error());
  const auto tokens = (*catalog)->tokens();
  if (context.options.json) {
    print(list_json(tokens));
    return exit_good;
  }
  std::string out = fmt::format("{:<14}{:<17}{:<26}{:<9}{}\n", "ID", "ROLE", "CREATED", "STATE", "NAME");
  for (const auto& token : tokens) {
    out += fmt::format("{:<14}{:<17}{:<26}{:<9}{}\n", token.id, token.roles, base::format_rfc3339(token.created, 3),
                       token.revoked ? "revoked" : "good", base::to_printable(token.name));
  }
  print(out);
  return exit_good;
}

int run_revoke(Context& context, const TokenOptions& options) {
  auto catalog = open_catalog(context);
  if (!catalog) return report(catalog.error());
  const auto done = (*catalog)->revoke_token(options.id);
  return done ? exit_good : report(done.error());
}

}  // namespace

void add_token(Command program, Context& context) {
  auto command = program.subcommand("token", "Make, list and revoke access tokens");
  command.require_subcommand();
  auto options = std::make_shared<TokenOptions>();  // shared: the parser and the callback use it, as long as the command line lives
  auto create = command.subcommand("create", "Make a token and show it once");
  create.option("name", options->name, "Whom it is for").required();
  create.option("--role", options->roles, "viewer, analyst, ingester, admin; several with commas").show_default();
  create.on_run([&context, options] { context.exit_code = run_create(context, *options); });
  auto list = command.subcommand("list", "All tokens, without their text");
  list.on_run([&context] { context.exit_code = run_list(context); });
  auto revoke = command.subcommand("revoke", "End a token");
  revoke.option("id", options->id, "Its id, from the list").required();
  revoke.on_run([&context, options] { context.exit_code = run_revoke(context, *options); });
}

}  // namespace telltale::cli
