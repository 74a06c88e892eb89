//! Says when the web app that is part of the program has to be looked at again.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
