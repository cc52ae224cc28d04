//! Tests of the whole, one file per part.

mod outbound;
