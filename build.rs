//! A new migration must be embedded again; cargo would not notice a file that is only added.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=elements");
}
