// tandem-data split: parts a data set into lists.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "data/list/equal_files.h"
#include "tools/commands/commands.h"
#include "tools/lists/grouping.h"
#include "tools/lists/list_files.h"
#include "tools/lists/split_plan.h"
#include "tools/study/findings.h"

namespace tandem::tools {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

struct Options {
  std::filesystem::path data, root, out, table;
  std::string parts = "train=0.8,val=0.1,test=0.1";
  std::string column, key = "path", pattern;
  bool near_duplicates = false;
  std::uint64_t seed = 1;
  int max_pixels = static_cast<int>(kDefaultMaxPixels);
};

/// The images that must not be parted: those of one group, and copies.
Groups kept_together(const Options& o, const Parts& parts) {
  Groups sets;
  if (!o.column.empty()) sets = groups_by_column(parts, o.table, o.key, o.column);
  if (!o.pattern.empty()) sets = groups_by_pattern(parts, o.pattern);
  if (!sets.empty()) fmt::print("groups of two images or more: {}\n", sets.size());
  if (o.near_duplicates) {
    const Findings findings = find(parts, read_photos(parts, {.max_pixels = o.max_pixels, .fingerprints = true}));
    for (const SamePicture& same : findings.copies) sets.push_back(same.images);
    fmt::print("pictures that are there more than once: {}\n", findings.copies.size());
    if (!findings.bad.empty()) fmt::print("bad images, kept: {}\n", findings.bad.size());
  } else {
    const Groups equal = equal_files(parts.stored());
    sets.insert(sets.end(), equal.begin(), equal.end());
    fmt::print("files that are there more than once: {}\n", equal.size());
  }
  return joined_groups(parts.size(), sets);
}

/// A row for each class, a column for each part.
void print_counts(const Parts& parts, const std::vector<PartShare>& shares, const std::vector<std::size_t>& plan) {
  std::vector<std::vector<std::size_t>> counts(parts.classes().size(), std::vector<std::size_t>(shares.size()));
  std::vector<std::size_t> totals(shares.size());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    ++counts[parts.label(i)][plan[i]];
    ++totals[plan[i]];
  }
  for (const PartShare& part : shares) fmt::print("{:>8}", part.name);
  fmt::print("\n");
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (const std::size_t images : counts[c]) fmt::print("{:8}", images);
    fmt::print(" {}\n", parts.classes()[c]);
  }
  for (std::size_t p = 0; p < shares.size(); ++p)
    fmt::print("{}: {} images, {:.2f} % of {}\n", shares[p].name, totals[p],
               100 * static_cast<double>(totals[p]) / static_cast<double>(plan.size()), plan.size());
}

int split(const Options& o) {
  const std::vector<PartShare> shares = parse_parts(o.parts);
  if (o.column.empty() != o.table.empty())
    fail_input("--by-group: expected --groups FILE with it, the table that has the column");
  if (!o.column.empty() && !o.pattern.empty()) fail_input("--group-regex: expected one way to group, it or --by-group");
  std::vector<ListFile> lists;
  for (const PartShare& part : shares) {
    lists.push_back({o.out / (part.name + ".txt"), {}});
    check_list_place("--out", lists.back().path, {o.data, o.table});
  }
  const Parts parts({o.data}, o.root);
  std::vector<double> wanted;
  wanted.reserve(shares.size());
  for (const PartShare& part : shares) wanted.push_back(part.share);
  std::vector<std::size_t> labels(parts.size());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = parts.label(i);
  const std::vector<std::size_t> plan = plan_split(labels, kept_together(o, parts), wanted, o.seed);
  for (std::size_t i = 0; i < plan.size(); ++i) lists[plan[i]].images.push_back(i);
  for (std::size_t p = 0; p < lists.size(); ++p)
    if (lists[p].images.empty())
      fail_input("--parts: no image is left for {}: expected more images, smaller groups or other shares",
                 shares[p].name);
  write_lists(parts, lists);
  print_counts(parts, shares, plan);
  for (const ListFile& list : lists) fmt::print("written: {}\n", list.path.string());
  return 0;
}

}  // namespace

Command add_split(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::App* parser = app.add_subcommand("split", "Part a data set into lists; equal files stay together");
  parser->add_option("data", options->data, "List file, or folder with one subfolder a class")->required();
  parser->add_option("--root", options->root, "Where the list's paths start (default: the list's folder)");
  parser->add_option("--out", options->out, "Folder for the lists, NAME.txt for each part")->required();
  parser->add_option("--parts", options->parts, "Names and shares")->capture_default_str();
  parser->add_option("--groups", options->table, "A table, CSV or TSV, whose first line names the columns");
  parser->add_option("--by-group", options->column, "Its column whose values' images stay in one part: the uploader");
  parser->add_option("--path-column", options->key, "Its column that names the image")->capture_default_str();
  parser->add_option("--group-regex", options->pattern, "Or: images stay in one part whose paths have this the same");
  parser->add_flag("--near-duplicates-together", options->near_duplicates, "Near duplicates stay in one part too");
  parser->add_option("--max-pixels", options->max_pixels, "Refuse images with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(4, 1 << 30));
  parser->add_option("--seed", options->seed, "Another seed deals otherwise")->capture_default_str();
  return {parser, [options] { return split(*options); }};
}

}  // namespace tandem::tools
