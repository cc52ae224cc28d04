//! A new element folder must be embedded: cargo would not notice files that are only added.

fn main() {
    println!("cargo:rerun-if-changed=elements");
}
