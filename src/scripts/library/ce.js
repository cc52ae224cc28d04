// `CE`: the platform's own helpers. Codes of countries and currencies are the more common ones.
(function (host, library) {
  "use strict";
  const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  // Two letters, three letters, currency, name.
  const COUNTRIES = ("AE ARE AED United Arab Emirates|AR ARG ARS Argentina|AT AUT EUR Austria|"
    + "AU AUS AUD Australia|BE BEL EUR Belgium|BG BGR EUR Bulgaria|BR BRA BRL Brazil|CA CAN CAD Canada|"
    + "CH CHE CHF Switzerland|CL CHL CLP Chile|CN CHN CNY China|CO COL COP Colombia|CY CYP EUR Cyprus|"
    + "CZ CZE CZK Czechia|DE DEU EUR Germany|DK DNK DKK Denmark|EE EST EUR Estonia|EG EGY EGP Egypt|"
    + "ES ESP EUR Spain|FI FIN EUR Finland|FR FRA EUR France|GB GBR GBP United Kingdom|GR GRC EUR Greece|"
    + "HK HKG HKD Hong Kong|HR HRV EUR Croatia|HU HUN HUF Hungary|ID IDN IDR Indonesia|IE IRL EUR Ireland|"
    + "IL ISR ILS Israel|IN IND INR India|IS ISL ISK Iceland|IT ITA EUR Italy|JP JPN JPY Japan|"
    + "KE KEN KES Kenya|KR KOR KRW South Korea|LT LTU EUR Lithuania|LU LUX EUR Luxembourg|"
    + "LV LVA EUR Latvia|MA MAR MAD Morocco|MT MLT EUR Malta|MX MEX MXN Mexico|MY MYS MYR Malaysia|"
    + "NG NGA NGN Nigeria|NL NLD EUR Netherlands|NO NOR NOK Norway|NZ NZL NZD New Zealand|PE PER PEN Peru|"
    + "PH PHL PHP Philippines|PK PAK PKR Pakistan|PL POL PLN Poland|PT PRT EUR Portugal|"
    + "RO ROU RON Romania|RU RUS RUB Russia|SA SAU SAR Saudi Arabia|SE SWE SEK Sweden|"
    + "SG SGP SGD Singapore|SI SVN EUR Slovenia|SK SVK EUR Slovakia|TH THA THB Thailand|"
    + "TR TUR TRY Turkey|TW TWN TWD Taiwan|UA UKR UAH Ukraine|US USA USD United States|"
    + "UY URY UYU Uruguay|VN VNM VND Vietnam|ZA ZAF ZAR South Africa").split("|").map(function (line) {
    const words = line.split(" ");
    return { two: words[0], three: words[1], currency: words[2], name: words.slice(3).join(" ") };
  });
  const SYMBOLS = {
    USD: "$", CAD: "$", AUD: "$", NZD: "$", MXN: "$", SGD: "$", HKD: "$", ARS: "$", CLP: "$",
    COP: "$", EUR: "€", GBP: "£", JPY: "¥", CNY: "¥", INR: "₹", KRW: "₩", RUB: "₽", TRY: "₺",
    UAH: "₴", VND: "₫", ILS: "₪", PLN: "zł", CZK: "Kč", SEK: "kr", NOK: "kr", DKK: "kr", ISK: "kr",
    HUF: "Ft", BRL: "R$", ZAR: "R", CHF: "CHF", THB: "฿", PHP: "₱", NGN: "₦", EGP: "£",
  };

  function country(given) {
    const text = String(given).trim().toLowerCase();
    return COUNTRIES.find((one) => [one.two, one.three, one.name].some((word) => word.toLowerCase() === text));
  }

  function known(found, what, given) {
    if (found === undefined) throw new Error("CE: no " + what + " known for '" + given + "'");
    return found;
  }

  function randomString(length) {
    let text = "";
    for (let left = length === undefined ? 10 : Math.min(length, 10000); left > 0; left--) {
      text += LETTERS[host.random(LETTERS.length)];
    }
    return text;
  }

  function digest(parts) {
    const found = host.digest.apply(undefined, parts.map(String));
    if (found === undefined || found === null) {
      throw new Error("CE: no digest " + parts[0] + " in " + parts[1]);
    }
    return found;
  }

  const CE = {
    randomString: randomString,
    randomEmail: () => randomString(10).toLowerCase() + "@" + randomString(8).toLowerCase() + ".com",
    md5: (text) => digest(["md5", "hex", text]),
    b64: (text) => library.load("buffer").from(String(text)).toString("base64"),
    decode64: (text) => library.load("buffer").from(String(text), "base64").toString(),
    hmac: (algorithm) => (encoding) => (secret, text) => digest([algorithm, encoding, secret, text]),
    // Of a country, by its name or either code.
    currencyCode: (given) => known((country(given) || {}).currency, "currency", given),
    // Of a currency's code, or of a country.
    currencySymbol: (given) => known(
      SYMBOLS[String(given).toUpperCase()] || SYMBOLS[(country(given) || {}).currency], "symbol", given),
    iso2CountryCode: (given) => known((country(given) || {}).two, "country", given),
    iso3CountryCode: (given) => known((country(given) || {}).three, "country", given),
  };
  for (const algorithm of ["Sha1", "Sha256", "Md5"]) {
    for (const encoding of ["Hex", "Base64"]) {
      CE["hmac" + algorithm + encoding] = CE.hmac(algorithm)(encoding);
    }
  }
  return CE;
})
