#pragma once
// What the pages for a browser share. A page is one file that needs no other and no network; it is light or dark as the
// reader's system is.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tandem {

/// The text with what HTML takes for its own (&, <, >, quotes) written as entities: for elements and quoted attributes.
std::string html_escaped(std::string_view text);

/// The page up to the begin of its body, with the styles: .tiles of .tile for figures, tables, .bar, .note for remarks
/// and .photos of figures; colours var(--ink), var(--faint), var(--line), var(--one) and var(--other).
std::string html_page_head(std::string_view title);
/// What ends it.
inline constexpr std::string_view kHtmlPageEnd = "</body></html>\n";

/// Bytes as Base64 (RFC 4648, with padding).
std::string base64(std::span<const unsigned char> bytes);

/// An image for a src attribute that holds the PNG file itself.
std::string png_data_uri(std::span<const unsigned char> png);

}  // namespace tandem
