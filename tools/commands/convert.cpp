// tandem-data convert: writes a data set as another kind of source.

#include <CLI/CLI.hpp>
#include <memory>

#include "data/source/convert.h"
#include "tools/commands/commands.h"

namespace tandem::tools {

Command add_convert(CLI::App& app) {
  const auto options = std::make_shared<ConvertOptions>();
  CLI::App* parser = app.add_subcommand("convert", "Write a data set as a list with files, tar shards or an LMDB");
  parser->add_option("in", options->source.path, "Any source: a list, a folder, shards-{000..009}.tar, ...")
      ->required();
  parser->add_option("out", options->out, "NAME.tar, NAME.lmdb, or a folder for list.txt and its files")->required();
  parser->add_option("--root", options->source.root, "Where the list's paths start (default: the list's folder)");
  parser->add_option("--split", options->source.split, "The rows of a table whose column split is this");
  parser->add_option("--shard", options->shard, "Images a tar shard: NAME-000000.tar, ... (default: one archive)")
      ->check(CLI::Range(1, 1 << 30));
  return {parser, [options] { return run_convert(*options); }};
}

}  // namespace tandem::tools
