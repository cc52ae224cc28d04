//! What an organization's pages look like: name, colour, logo, where to find help.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::Url;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::{ConnectSettings, Logo, Store};

const NAME_LIMIT: usize = 80;
const SUPPORT_LIMIT: usize = 300;
const LOGO_LIMIT: usize = 100 * 1024;
/// What a filled button needs against the page that it stands on (WCAG 1.4.11), and text (1.4.3).
const SHAPES: f64 = 3.0;
const TEXT: f64 = 4.5;
/// The page in the dark, as `style.css` has it.
const DARK: [f64; 3] = [0x14 as f64, 0x17 as f64, 0x1c as f64];
const WHITE: [f64; 3] = [255.0; 3];
const BLACK: [f64; 3] = [0.0; 3];

/// As set. Everything may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Branding {
    pub name: Option<String>,
    pub primary_color: Option<String>,
    pub support_url: Option<String>,
    pub logo: Option<LogoFile>,
}

/// A picture in base64; what it is its first bytes say.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogoFile {
    pub data: String,
}

impl LogoFile {
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            data: STANDARD.encode(bytes),
        }
    }
}

/// As pages show it.
#[derive(Debug, Clone)]
pub struct Brand {
    pub name: String,
    pub support_url: Option<String>,
    pub has_logo: bool,
    /// The style sheet with the organization's colour.
    pub style: Option<String>,
}

pub async fn brand(app: &App, organization: OrganizationId) -> Result<Brand> {
    let store = app.store().org(organization);
    let settings = store.connect_settings().await?;
    let name = match settings.display_name {
        Some(name) => name,
        None => store
            .organization()
            .await?
            .map(|row| row.name)
            .unwrap_or_default(),
    };
    Ok(Brand {
        name,
        support_url: settings.support_url,
        has_logo: settings.logo_type.is_some(),
        style: settings.primary_color.as_deref().and_then(style),
    })
}

pub async fn branding(
    store: &Store,
    organization: OrganizationId,
) -> Result<(ConnectSettings, Option<Logo>)> {
    let store = store.org(organization);
    Ok((store.connect_settings().await?, store.connect_logo().await?))
}

/// Takes the place of what there is.
///
/// # Errors
/// 400 naming what is wrong.
pub async fn set_branding(
    store: &Store,
    organization: OrganizationId,
    given: &Branding,
) -> Result<()> {
    let logo = given
        .logo
        .as_ref()
        .map(|file| logo(&file.data))
        .transpose()?;
    let settings = ConnectSettings {
        display_name: given.name.as_deref().map(name).transpose()?,
        primary_color: given.primary_color.as_deref().map(color).transpose()?,
        support_url: given.support_url.as_deref().map(support).transpose()?,
        ..ConnectSettings::default()
    };
    let store = store.org(organization);
    store.set_branding(&settings, logo.as_ref()).await
}

pub async fn clear_branding(store: &Store, organization: OrganizationId) -> Result<()> {
    set_branding(store, organization, &Branding::default()).await
}

fn invalid(field: &str, why: &str) -> Error {
    Error::Invalid(format!(
        "Branding contains invalid field(s): '{field}' {why}"
    ))
}

fn name(given: &str) -> Result<String> {
    let name = given.trim();
    match name.chars().count() {
        1..=NAME_LIMIT if !name.contains(char::is_control) => Ok(name.to_owned()),
        _ => Err(invalid(
            "name",
            &format!("must have 1 to {NAME_LIMIT} characters."),
        )),
    }
}

fn support(given: &str) -> Result<String> {
    let wrong = || {
        invalid(
            "supportUrl",
            "must be an https:// or mailto: address of at most 300 characters.",
        )
    };
    let url = Url::parse(given).map_err(|_| wrong())?;
    let good = matches!(url.scheme(), "https" | "mailto") && given.len() <= SUPPORT_LIMIT;
    good.then(|| url.into()).ok_or_else(wrong)
}

fn color(given: &str) -> Result<String> {
    let rgb =
        parse(given).ok_or_else(|| invalid("primaryColor", "must be a colour like #1a5fb4."))?;
    if contrast(rgb, WHITE) < SHAPES {
        return Err(invalid(
            "primaryColor",
            "is too light: a button in it cannot be made out on a white page. Take a darker one \
             (contrast 3 to 1 at least).",
        ));
    }
    Ok(given.to_ascii_lowercase())
}

fn logo(base64: &str) -> Result<Logo> {
    if base64.len() > LOGO_LIMIT * 4 / 3 + 4 {
        return Err(invalid("logo", "is larger than 100 KB."));
    }
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| invalid("logo", "must hold base64 in 'data'."))?;
    picture(bytes)
}

fn picture(bytes: Vec<u8>) -> Result<Logo> {
    if bytes.len() > LOGO_LIMIT {
        return Err(invalid("logo", "is larger than 100 KB."));
    }
    let kind = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        // SVG may hold scripts.
        _ => return Err(invalid("logo", "must be a PNG, JPEG or WebP picture.")),
    };
    Ok(Logo {
        kind: kind.to_owned(),
        bytes,
    })
}

/// The colour as it is by day, and so much lighter in the dark that it stands out there too.
fn style(color: &str) -> Option<String> {
    let day = parse(color)?;
    let mut night = day;
    let mut share = 0.0;
    while contrast(night, DARK) < TEXT && share < 1.0 {
        share += 0.05;
        night = day.map(|part| part + (255.0 - part) * share);
    }
    let rule = |rgb: [f64; 3]| {
        let on = if contrast(rgb, WHITE) >= TEXT {
            WHITE
        } else {
            BLACK
        };
        format!(":root{{--brand:{};--on-brand:{}}}", hex(rgb), hex(on))
    };
    Some(format!(
        "{}\n@media (prefers-color-scheme:dark){{{}}}\n",
        rule(day),
        rule(night)
    ))
}

fn hex(rgb: [f64; 3]) -> String {
    rgb.iter().fold("#".to_owned(), |text, part| {
        format!("{text}{:02x}", part.round() as u8)
    })
}

fn parse(text: &str) -> Option<[f64; 3]> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some([16, 8, 0].map(|shift| f64::from(number >> shift & 0xff)))
}

/// WCAG 2's ratio, from 1 to 21.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(rgb: [f64; 3]) -> f64 {
    let linear = rgb.map(|part| {
        let part = part / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 0.01);
        for good in ["#000000", "#1A5fb4", "#c01c28", "#767676"] {
            assert_eq!(color(good).expect(good), good.to_ascii_lowercase());
            let style = style(good).expect("a style");
            assert_eq!(style.matches("--on-brand:#").count(), 2, "{style}");
        }
        for bad in [
            "#ffffff",
            "#ffff00",
            "red",
            "#12345",
            "#12345g",
            "#1a5fb4;}",
            "",
        ] {
            let error = color(bad).expect_err(bad).to_string();
            assert!(error.starts_with("Branding contains invalid field(s): 'primaryColor'"));
        }
    }

    #[test]
    fn text_on_the_colour_can_be_read_by_day_and_night() {
        for number in (0..0x00ff_ffff_u32).step_by(0x01_03_07) {
            let text = format!("#{number:06x}");
            let Ok(color) = color(&text) else { continue };
            for rule in style(&color).expect("a style").lines() {
                let at = |name: &str| {
                    let start = rule.find(name).expect(name) + name.len();
                    parse(&rule[start..start + 7]).expect("a colour")
                };
                let (brand, on) = (at("--brand:"), at("--on-brand:"));
                assert!(contrast(brand, on) >= TEXT, "{rule}");
                if rule.contains("dark") {
                    assert!(contrast(brand, DARK) >= SHAPES, "{rule}");
                }
            }
        }
    }

    #[test]
    fn pictures() {
        let png = b"\x89PNG\r\n\x1a\n rest".to_vec();
        assert_eq!(picture(png).expect("a picture").kind, "image/png");
        assert!(picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()).is_err());
        assert!(picture(b"GIF89a".to_vec()).is_err());
        let mut large = b"\xff\xd8\xff".to_vec();
        large.resize(LOGO_LIMIT + 1, 0);
        assert!(picture(large).is_err());
    }

    #[test]
    fn help() {
        for good in ["https://help.example/x", "mailto:help@example.com"] {
            support(good).expect(good);
        }
        for bad in [
            "http://help.example",
            "javascript:alert(1)",
            "help",
            "data:text/html,x",
        ] {
            assert!(support(bad).is_err(), "{bad}");
        }
    }
}
