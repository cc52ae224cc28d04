//! Versions of the REST API as they stand in paths: `v10`, `v11`, `v11_24`.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// The oldest that is served.
    pub const OLDEST: Self = Self::new(10, 0);
    /// From here on unknown platforms are refused by default. (The release before it, still `v11`, began with that.)
    pub const RESTRICTED_PLATFORMS: Self = Self::new(11, 1);
    /// From here on a site takes `Authorization: Bearer` as well.
    pub const BEARER: Self = Self::new(11, 3);
    pub const NEWEST: Self = Self::new(11, 24);

    const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// None for what is no version at all.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            (plain && digits.len() <= 4).then(|| digits.parse().ok())?
        };
        let rest = text.strip_prefix('v')?;
        match rest.split_once('_') {
            Some((major, minor)) => Some(Self::new(number(major)?, number(minor)?)),
            None => Some(Self::new(number(rest)?, 0)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            0 => write!(formatter, "v{}", self.major),
            minor => write!(formatter, "v{}_{minor}", self.major),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn they_are_read_written_and_compared() {
        let read = |text| Version::parse(text).expect(text);
        for text in ["v10", "v11", "v11_3", "v11_24"] {
            assert_eq!(read(text).to_string(), text);
        }
        assert!(read("v10") < read("v11") && read("v11") < read("v11_3"));
        assert!(read("v11_3") < read("v11_24") && read("v11_24") < read("v12"));
        for text in [
            "", "v", "10", "v11_", "v_3", "v11_3_1", "v+1", "v99999", "V10",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
