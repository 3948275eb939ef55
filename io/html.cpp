#include "io/html.h"

namespace tandem {
namespace {

constexpr const char* kStyle = R"(<meta name="viewport" content="width=device-width">
<style>
 :root { color-scheme: light dark; --ink: #222; --faint: #666; --line: #ddd; --one: #3465a4; --other: #cc0000; }
 @media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --faint: #999; --line: #444; --one: #729fcf; --other: #ef5350; }
  body { background: #181818; }
 }
 body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
 h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
 .tiles { display: flex; flex-wrap: wrap; gap: .8rem; }
 .tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; min-width: 8rem; }
 .tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
 table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
 td, th { padding: .15rem .7rem; text-align: right; font-weight: normal; }
 th { color: var(--faint); } td:first-child, th:first-child, td.text { text-align: left; overflow-wrap: anywhere; }
 .bar { display: inline-block; height: .7rem; background: var(--one); border-radius: 2px; }
 svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
 svg { overflow: visible; }
 .note { color: var(--faint); }
 .photos { display: flex; flex-wrap: wrap; gap: .6rem; border-top: 1px solid var(--line); padding: .6rem 0; }
 .photos figure { margin: 0; width: 10rem; font-size: .8rem; overflow-wrap: anywhere; }
 .photos img { display: block; max-width: 100%; }
</style></head><body>
)";

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string html_page_head(std::string_view title) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html_escaped(title) +
         "</title>\n" + kStyle;
}

std::string base64(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const unsigned word = static_cast<unsigned>(bytes[i]) << 16 | (left > 1 ? unsigned{bytes[i + 1]} << 8 : 0U) |
                          (left > 2 ? unsigned{bytes[i + 2]} : 0U);
    text += kDigits[word >> 18];
    text += kDigits[word >> 12 & 63];
    text += left > 1 ? kDigits[word >> 6 & 63] : '=';
    text += left > 2 ? kDigits[word & 63] : '=';
  }
  return text;
}

std::string png_data_uri(std::span<const unsigned char> png) { return "data:image/png;base64," + base64(png); }

}  // namespace tandem
