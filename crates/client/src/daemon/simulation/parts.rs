//! Plans that take on a part of what is dirty.

use super::device::Device;
use super::script::Weather;
use super::world::{Host, World};
use crate::daemon::work::Scope;
use hythe_control::Decision;

async fn settle(device: &mut Device) {
    let fine = Weather::default();
    device.hear(fine).await.unwrap();
    device.told(Scope::Whole).await;
    while device.pass(fine, &[]).await.unwrap().is_some() {}
}

/// Plans of one node each would all pass the brake.
#[tokio::test(flavor = "multi_thread")]
async fn s5_a_mass_change_is_seen_whole_however_small_the_plans_are() {
    let mut host = Host::start().await;
    let mut world = World::new(&mut host, 2).await;
    let folders = [0, 1].map(|device| world.grounds.folder(device).to_owned());
    let many = folders[1].join("many");
    std::fs::create_dir(&many).unwrap();
    for n in 0..130 {
        std::fs::write(many.join(n.to_string()), n.to_string()).unwrap();
    }
    settle(&mut world.devices[1]).await;
    // What was created within the hour may be deleted at will.
    (0..7).for_each(|_| world.devices[1].wait());

    for n in 0..120 {
        std::fs::remove_file(many.join(n.to_string())).unwrap();
    }
    for n in 200..220 {
        std::fs::write(many.join(n.to_string()), "new").unwrap();
    }
    settle(&mut world.devices[1]).await;
    let held = &world.devices[1].program().await.folder().held;
    assert_eq!(held.as_ref().unwrap().plan.held.counts.deleted, 120);

    settle(&mut world.devices[0]).await;
    let there = || std::fs::read_dir(folders[0].join("many")).unwrap().count();
    let old = |n: &u32| folders[0].join(format!("many/{n}")).exists();
    assert_eq!((0..130).filter(old).count(), 130);
    assert!(world.devices[1].decide(Decision::Approve).await);
    settle(&mut world.devices[1]).await;
    settle(&mut world.devices[0]).await;
    assert_eq!(there(), 10 + 20);
    world.end().await;
    host.stop().await;
}
