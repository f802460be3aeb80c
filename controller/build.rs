//! Watches the built page, which is compiled in: without this, cargo would not
//! notice that it was built anew.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
}
