#include "io/html.h"

#include <string>

#include "tests/support/catch.h"

namespace tandem {
namespace {

std::string encoded(const std::string& text) {
  return base64(std::span(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

TEST_CASE("Base64 is that of RFC 4648") {
  CHECK(encoded("").empty());
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xFB\xFF\xFE") == "+//+");
}

TEST_CASE("text is escaped for elements and attributes") {
  CHECK(html_escaped("a<b> & \"c\" 'd'") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  const std::string head = html_page_head("a & b");
  CHECK(head.find("<title>a &amp; b</title>") != std::string::npos);
  CHECK(head.rfind("<!DOCTYPE html>", 0) == 0);
}

}  // namespace
}  // namespace tandem
