#pragma once
// Caffe's text files as messages, with the lines on which things stand.

#include <google/protobuf/text_format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

/// A field of a text that the message does not have, and which was passed over.
struct UnknownField {
  int line = 0;
  std::string name;  ///< "LayerParameter.name", or what the parser said
};

class Prototxt {
 public:
  /// Fills `message` from a file. InputError names the line; `expected` says what was: "a network".
  Prototxt(std::filesystem::path path, google::protobuf::Message& message, const char* expected);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<UnknownField>& unknown() const { return unknown_; }

  /// A field, and its place in a list, -1 if it is no list.
  using Step = std::pair<const char*, int>;
  /// The line, from 1, on which what the steps lead to begins; that of the last one of them which is in the text; 0 if
  /// none is.
  int line(const std::vector<Step>& steps) const;

 private:
  std::filesystem::path path_;
  const google::protobuf::Descriptor* type_;
  google::protobuf::TextFormat::ParseInfoTree places_;
  std::vector<UnknownField> unknown_;
};

}  // namespace tandem
