//! A new element folder or example must be embedded: cargo would not notice files that are only added.

fn main() {
    println!("cargo:rerun-if-changed=elements");
    println!("cargo:rerun-if-changed=examples/instances");
}
