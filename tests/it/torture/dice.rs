//! Chances that can be had again: by the seed that a failure prints.

/// `BUNSEN_TORTURE_SEED`, else one of the moment.
pub fn seed() -> u64 {
    let given = std::env::var("BUNSEN_TORTURE_SEED").ok();
    let seed = given.map_or_else(rand::random, |text| {
        text.parse().expect("BUNSEN_TORTURE_SEED is a number")
    });
    eprintln!("BUNSEN_TORTURE_SEED={seed}");
    seed
}

#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, of: u64) -> Self {
        Self(seed ^ of.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn milliseconds(&mut self, least: u64, most: u64) -> std::time::Duration {
        std::time::Duration::from_millis(least + self.below(most - least))
    }
}
