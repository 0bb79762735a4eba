#include "pipeline/scan/digit_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace telltale::pipeline {
namespace {

// The check digit that makes `digits` pass.
std::string with_luhn(std::string digits) {
  for (char check = '0'; check <= '9'; ++check) {
    if (passes_luhn(digits + check)) return digits + check;
  }
  return {};
}

std::string with_iban_check(const std::string& country, const std::string& account) {
  for (int check = 2; check <= 98; ++check) {
    std::string iban = country + (check < 10 ? "0" : "") + std::to_string(check) + account;
    if (passes_iban_check(iban)) return iban;
  }
  return {};
}

std::vector<std::string> found_in(const std::string& text) {
  std::vector<NumberHit> hits;
  find_numbers(text, hits);
  std::vector<std::string> found;
  for (const NumberHit& hit : hits) found.push_back(text.substr(hit.begin, hit.end - hit.begin));
  return found;
}

std::string grouped(const std::string& text, char separator) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && i % 4 == 0) out += separator;
    out += text[i];
  }
  return out;
}

TEST(FindNumbers, CardsOfEachIssuer) {
  for (const std::string head : {"411111111111111", "555555555555444", "222300004841000", "37828224631000", "601111111111111",
                                 "353011133330000", "3056930902590", "620000000000000"}) {
    const std::string card = with_luhn(head);
    EXPECT_THAT(found_in("paid with " + card + " today"), testing::ElementsAre(card));
    EXPECT_THAT(found_in(card), testing::ElementsAre(card));
  }
}

TEST(FindNumbers, CardsInGroups) {
  const std::string card = with_luhn("411111111111111");
  for (const char separator : {' ', '-'}) {
    const std::string text = grouped(card, separator);
    EXPECT_THAT(found_in("card: " + text + ", 3 items"), testing::ElementsAre(text));
    EXPECT_THAT(found_in("card: " + text + " 12 31"), testing::ElementsAre(text)) << "digits after the number are no part of it";
  }
  const std::string amex = with_luhn("37828224631000");
  const std::string text = amex.substr(0, 4) + " " + amex.substr(4, 6) + " " + amex.substr(10);
  EXPECT_THAT(found_in("amex " + text), testing::ElementsAre(text));
}

TEST(FindNumbers, NumbersThatAreNoCards) {
  const std::string card = with_luhn("411111111111111");
  std::string wrong = card;
  wrong.back() = wrong.back() == '9' ? '0' : static_cast<char>(wrong.back() + 1);
  for (const std::string& text :
       {wrong, "id" + card, card + "7", card + "abc", std::string("1700000000000"), std::string("20261121015533123"),
        with_luhn("911111111111111"), std::string("blk_-1608999687919862906")}) {
    EXPECT_THAT(found_in("value " + text + " end"), testing::IsEmpty()) << text;
  }
}

TEST(FindNumbers, IbansOfSeveralCountries) {
  for (const auto& [country, account] : {std::pair<std::string, std::string>{"DE", "370400440532013000"},
                                         {"GB", "NWBK60161331926819"},
                                         {"FR", "20041010050500013M02606"},
                                         {"NL", "ABNA0417164300"},
                                         {"NO", "86011117947"}}) {
    const std::string iban = with_iban_check(country, account);
    ASSERT_FALSE(iban.empty());
    EXPECT_THAT(found_in("transfer to " + iban + " done"), testing::ElementsAre(iban));
    EXPECT_THAT(found_in("transfer to " + grouped(iban, ' ') + "."), testing::ElementsAre(grouped(iban, ' ')));
  }
}

TEST(FindNumbers, TextThatIsNoIban) {
  std::string wrong = with_iban_check("DE", "370400440532013000");
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& text :
       {wrong, std::string("AB12CDEFGHIJKLMNOPQR"), with_iban_check("DE", "37040044053201300"), std::string("GB29")}) {
    EXPECT_THAT(found_in("value " + text + " end"), testing::IsEmpty()) << text;
  }
}

TEST(FindNumbers, EveryPlaceInTheTextIsLookedAt) {
  const std::string card = with_luhn("411111111111111");
  const std::string iban = with_iban_check("NO", "86011117947");
  for (std::size_t before = 0; before < 200; ++before) {
    const std::string text = std::string(before, '.') + card + "; " + iban;
    ASSERT_THAT(found_in(text), testing::ElementsAre(card, iban)) << before;
  }
}

TEST(FindNumbers, AfterEscapesAndColours) {
  const std::string card = with_luhn("411111111111111");
  EXPECT_THAT(found_in("\\n" + card), testing::ElementsAre(card));
  EXPECT_THAT(found_in("\x1b[31m" + card + "\x1b[0m"), testing::ElementsAre(card));
}

TEST(CheckDigits, PublishedExamples) {
  EXPECT_TRUE(passes_luhn("79927398713"));  // the example of Luhn's algorithm in ISO/IEC 7812
  EXPECT_FALSE(passes_luhn("79927398710"));
  EXPECT_TRUE(passes_iban_check("GB82WEST12345698765432"));
  EXPECT_FALSE(passes_iban_check("GB82WEST12345698765431"));
}

}  // namespace
}  // namespace telltale::pipeline
