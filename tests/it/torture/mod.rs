//! The proof of "credentials that are never lost": servers killed and stopped at any moment, a vendor that ends the
//! session when an old refresh token comes back, and that goes away for an hour.

mod dice;
mod front;
mod outage;
mod reconnect;
mod shares;
mod steps;
mod storm;
