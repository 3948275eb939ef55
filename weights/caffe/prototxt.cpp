#include "weights/caffe/prototxt.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "weights/content.h"

namespace tandem {
namespace {

constexpr std::size_t kLargestText = 16U << 20U;
constexpr int kDeepest = 32;  // messages within messages; Caffe needs five

/// What stands between the quotes of "Message type "tandem.caffe.A" has no field named "b"." as "A.b".
std::string field_in(const std::string& message) {
  std::vector<std::string> quoted;
  for (std::size_t open = message.find('"'); open != std::string::npos;) {
    const std::size_t close = message.find('"', open + 1);
    if (close == std::string::npos) break;
    quoted.push_back(message.substr(open + 1, close - open - 1));
    open = message.find('"', close + 1);
  }
  if (quoted.size() != 2) return message;
  return quoted[0].substr(quoted[0].rfind('.') + 1) + "." + quoted[1];
}

/// Keeps the first error, and the fields that are passed over.
class Collector : public google::protobuf::io::ErrorCollector {
 public:
  explicit Collector(std::vector<UnknownField>& unknown) : unknown_(unknown) {}
  void AddError(int line, int column, const std::string& message) override {
    if (error_.empty()) error_ = fmt::format("{}:{}: {}", line + 1, column + 1, message);
  }
  void AddWarning(int line, int, const std::string& message) override {
    unknown_.push_back({line + 1, printable(field_in(message))});
  }
  const std::string& error() const { return error_; }

 private:
  std::vector<UnknownField>& unknown_;
  std::string error_;
};

/// How deep braces are nested, at the least: what is quoted or commented may count as well.
int nesting(std::string_view text) {
  int depth = 0, deepest = 0;
  for (const char c : text) {
    if (c == '{' || c == '<') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == '>') --depth;
  }
  return deepest;
}

}  // namespace

Prototxt::Prototxt(std::filesystem::path path, google::protobuf::Message& message, const char* expected)
    : path_(std::move(path)), type_(message.GetDescriptor()) {
  const FileContent content(path_);
  const std::string_view text = text_of(content.bytes());
  if (text.size() > kLargestText) refuse_file(path_, "too long for a prototxt");
  if (nesting(text) > kDeepest) refuse_file(path_, "nested too deep for a prototxt");
  Collector collector(unknown_);
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&places_);
  if (!parser.ParseFromString(std::string(text), &message))
    fail_input("{}:{}; expected {} as a prototxt", path_.string(), printable(collector.error()), expected);
}

int Prototxt::line(const std::vector<Step>& steps) const {
  const google::protobuf::TextFormat::ParseInfoTree* tree = &places_;
  const google::protobuf::Descriptor* type = type_;
  int line = 0;
  for (const auto& [name, index] : steps) {
    const google::protobuf::FieldDescriptor* field = type == nullptr ? nullptr : type->FindFieldByName(name);
    if (tree == nullptr || field == nullptr || field->is_repeated() != (index >= 0)) break;
    const int found = tree->GetLocation(field, index).line;
    if (found < 0) break;
    line = found + 1;
    type = field->message_type();
    tree = type == nullptr ? nullptr : tree->GetTreeForNested(field, index);
  }
  return line;
}

}  // namespace tandem
