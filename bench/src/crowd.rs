//! The seeded organizations and instances. Whose an instance is and what its token is follow from
//! its id, so a million of them take no memory here and pgbench can compute the same.

use http::HeaderValue;

use crate::Error;

/// The first, the server's own, holds half of the instances; the others have Zipf sizes.
pub const ORGANIZATIONS: usize = 1000;

/// Ids below are what the server gives before the crowd comes.
pub const FIRST: i64 = 100_000;

/// A prime beyond every number of instances: what is asked for most often shall not lie together.
const SCATTER: u64 = 2_654_435_761;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Uniform,
    /// The instance of rank `k` is asked for in proportion to `1 / k`.
    Zipf,
}

#[derive(Debug, Clone)]
pub struct Crowd {
    /// `User …, Organization …` of one user per organization.
    pub users: Vec<HeaderValue>,
    pub count: u64,
}

impl Crowd {
    /// The same turn finds the same instance.
    pub fn pick(&self, access: Access, turn: usize) -> i64 {
        let dice = mix(turn as u64);
        let rank = match access {
            Access::Uniform => dice % self.count,
            Access::Zipf => {
                let share = dice as f64 / u64::MAX as f64;
                ((self.count as f64).powf(share) as u64).saturating_sub(1) % self.count
            }
        };
        FIRST + (rank * SCATTER % self.count).cast_signed()
    }

    pub fn user_of(&self, id: i64) -> Result<&HeaderValue, Error> {
        let user = self.users.get(organization_of(id));
        user.ok_or_else(|| "an organization was not seeded".into())
    }

    /// The user's header with the instance's token.
    pub fn by_token(&self, id: i64) -> Result<HeaderValue, Error> {
        let user = self.user_of(id)?.to_str()?;
        Ok(format!("{user}, Element {}", token(id)).parse()?)
    }
}

/// The script's lines by which pgbench picks as [`Crowd::pick`] does. It knows `:count`, and the
/// ids of the first organization and of the next one, `:own` and `:others`.
pub fn pick_in_pgbench(access: Access) -> String {
    let rank = match access {
        Access::Uniform => "random(0, :count - 1)",
        Access::Zipf => "int(pow(:count, random(0, 999999999) / 1000000000.0)) - 1",
    };
    format!(
        "\\set rank {rank}\n\
         \\set id {FIRST} + :rank * {SCATTER} % :count\n\
         \\set part (:id * 7919 % 100003) / 100003.0\n\
         \\set organization case when :id % 2 = 0 then :own \
         else :others + int(pow({ORGANIZATIONS}, :part)) - 1 end\n"
    )
}

/// Counted from 0.
pub fn organization_of(id: i64) -> usize {
    if id % 2 == 0 {
        return 0;
    }
    let part = (id * 7919 % 100_003) as f64 / 100_003.0;
    (ORGANIZATIONS as f64).powf(part) as usize
}

/// As long as those that the server makes.
pub fn token(id: i64) -> String {
    let id = id.cast_unsigned();
    format!("{:022}{:022}", mix(id), mix(!id))
}

/// Spreads numbers over all of 64 bits.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Access, Crowd, FIRST, ORGANIZATIONS, organization_of};

    fn picked(access: Access) -> HashMap<i64, usize> {
        let crowd = Crowd {
            users: Vec::new(),
            count: 1000,
        };
        let mut times = HashMap::new();
        for turn in 0..100_000 {
            *times.entry(crowd.pick(access, turn)).or_default() += 1;
        }
        times
    }

    #[test]
    fn uniform_access_reaches_all_alike() {
        let times = picked(Access::Uniform);
        assert_eq!(times.len(), 1000);
        assert!(times.keys().all(|id| (FIRST..FIRST + 1000).contains(id)));
        assert!(times.values().all(|times| (50..200).contains(times)));
    }

    #[test]
    fn zipf_access_asks_for_the_first_as_often_as_its_rank_says() {
        let times = picked(Access::Zipf);
        let first = times.get(&FIRST).copied().unwrap_or_default();
        // ln 2 / ln 1000
        assert!((9_500..10_500).contains(&first), "{first}");
        assert!(times.len() > 900);
    }

    #[test]
    fn half_of_the_instances_are_the_first_organizations_and_none_goes_astray() {
        let mut sizes = vec![0_usize; ORGANIZATIONS];
        for id in FIRST..FIRST + 1_000_000 {
            sizes[organization_of(id)] += 1;
        }
        assert_eq!(sizes[0], 500_000);
        assert!(sizes.iter().all(|size| *size > 0));
        assert!((40_000..60_000).contains(&sizes[1]), "{}", sizes[1]);
    }
}
