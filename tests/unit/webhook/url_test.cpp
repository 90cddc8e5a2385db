#include "tools/webhook/url.hpp"

#include <gmock/gmock.h>

namespace ballast::webhook {
namespace {

TEST(ParsingAUrl, CutsItUp) {
  EXPECT_EQ(*parse_url("https://example.com"), (Url{true, "example.com", "443", "/"}));
  EXPECT_EQ(*parse_url("http://example.com/a/b?c=d#e"), (Url{false, "example.com", "80", "/a/b?c=d"}));
  EXPECT_EQ(*parse_url("https://[2001:db8::1]:8443?x"), (Url{true, "2001:db8::1", "8443", "/?x"}));
  EXPECT_EQ(*parse_url("https://10.0.0.1:80/"), (Url{true, "10.0.0.1", "80", "/"}));
}

TEST(ParsingAUrl, RefusesWhatIsNone) {
  for (const auto* text :
       {"", "https://", "ftp://example.com", "example.com", "https://:80/", "https://[::1/", "https://[::1]x/",
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://exa mple.com/",
        "https://example.com/\r\nX: y", "https://user:secret@example.com/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos);
  }
}

TEST(Authority, HasThePortThatIsNotTheSchemes) {
  EXPECT_EQ(authority(*parse_url("https://example.com:443/")), "example.com");
  EXPECT_EQ(authority(*parse_url("http://example.com:443/")), "example.com:443");
  EXPECT_EQ(authority(*parse_url("https://[2001:db8::1]:8443/")), "[2001:db8::1]:8443");
}

}  // namespace
}  // namespace ballast::webhook
