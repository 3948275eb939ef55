#pragma once
// What the parts of a migration write into: the config, and the findings of a file.

#include <nlohmann/json.hpp>

#include "weights/caffe/migration/migration.h"
#include "weights/caffe/prototxt.h"

namespace tandem {

struct CaffeDraft {
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  std::vector<CaffeFinding> findings;
  std::int64_t batches_a_step = 1;  ///< Caffe's iter_size
};

/// A file's name as a config can have it: as it is, or printable where it is no UTF-8.
std::string config_text(const std::string& text);

/// Adds what is found in one file.
class CaffeNotes {
 public:
  CaffeNotes(const Prototxt& text, CaffeDraft& draft) : text_(text), draft_(draft) {}

  void todo(const std::vector<Prototxt::Step>& at, const std::string& what) { add(CaffeFinding::Kind::todo, at, what); }
  void differs(const std::vector<Prototxt::Step>& at, const std::string& what) {
    add(CaffeFinding::Kind::differs, at, what);
  }
  void missing(const std::vector<Prototxt::Step>& at, const std::string& what) {
    add(CaffeFinding::Kind::missing, at, what);
  }
  /// One finding for several places, which are told with it; nothing if there is none.
  void add_all(CaffeFinding::Kind kind, const std::vector<std::vector<Prototxt::Step>>& places,
               const std::string& what);
  /// A line for each field that the messages do not have, with the lines on which it stands.
  void list_unknown();

  /// A number as the text has it: the shortest that is the same float. InputError, naming `what`, unless it is finite.
  double number(float value, const char* what) const;
  const Prototxt& text() const { return text_; }
  nlohmann::ordered_json& config() { return draft_.config; }
  CaffeDraft& draft() { return draft_; }

 private:
  void add(CaffeFinding::Kind kind, const std::vector<Prototxt::Step>& at, const std::string& what);
  void add_lines(CaffeFinding::Kind kind, std::vector<int> lines, const std::string& what);

  const Prototxt& text_;
  CaffeDraft& draft_;
};

}  // namespace tandem
