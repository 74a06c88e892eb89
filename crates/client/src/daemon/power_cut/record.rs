//! What the device does: in the process that is traced.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::simulation::grounds::copy_all;
use super::super::simulation::line::Moment;
use super::super::simulation::script::{Deed, Step, Weather};
use super::super::simulation::world::{Host, Place, World};
use super::phases::{Phase, phases};
use super::stage::{EDITOR, Plan, SUBJECT, WITNESS, words};

/// More passes than any phase needs.
const PASSES: usize = 12;

/// Everything at once.
pub async fn record(place: PathBuf) {
    let plan = Plan::new(place);
    for directory in [
        plan.host(),
        plan.marks(),
        plan.snapshot(0),
        plan.expected(""),
    ] {
        fs::create_dir_all(directory).unwrap();
    }
    let mut host = Host::start_in(Place::Given(plan.host())).await;
    let mut world = World::new_in(&mut host, 3, Place::Given(plan.place().to_owned())).await;
    keep_witness(&plan);
    let recorder = Arc::new(Recorder {
        plan: plan.clone(),
        marks: AtomicUsize::new(0),
        snapshots: AtomicUsize::new(0),
    });
    let ear = Arc::clone(&recorder);
    world.devices[SUBJECT]
        .line
        .tell(Arc::new(move |moment| match moment {
            Moment::Asked => ear.mark("asked"),
            Moment::Answered => ear.snapshot(),
        }));
    for phase in phases() {
        run(&mut world, &recorder, &phase).await;
    }
    fs::write(plan.values(), values(&world)).unwrap();
    for device in [SUBJECT, EDITOR, WITNESS] {
        world.devices[device].stop().await;
    }
}

/// The hashes of everything that users wrote.
fn values(world: &World<'_>) -> String {
    let ledger = world.grounds.ledger();
    let hashes = ledger.written.keys();
    let hashes = hashes.map(|hash| blake3::Hash::from_bytes(*hash).to_string());
    hashes.collect::<Vec<String>>().join("\n")
}

/// The witness is to be there as it is now for every state.
fn keep_witness(plan: &Plan) {
    fs::create_dir(plan.pristine()).unwrap();
    copy_all(&plan.home(WITNESS), &plan.pristine().join("home"));
    copy_all(&plan.folder(WITNESS), &plan.pristine().join("folder"));
}

struct Recorder {
    plan: Plan,
    marks: AtomicUsize,
    snapshots: AtomicUsize,
}

impl Recorder {
    /// Says something in the trace.
    fn mark(&self, text: &str) {
        let number = self.marks.fetch_add(1, Ordering::SeqCst);
        fs::create_dir(self.plan.marks().join(format!("{number}:{text}"))).unwrap();
    }

    /// Keeps what the server has now. Nobody asks it anything meanwhile.
    fn snapshot(&self) {
        let number = self.snapshots.fetch_add(1, Ordering::SeqCst) + 1;
        copy_all(&self.plan.host(), &self.plan.snapshot(number));
        self.mark(&format!("server {number}"));
    }
}

async fn run(world: &mut World<'_>, recorder: &Recorder, phase: &Phase) {
    let deeds = |device: usize, deeds: &[Deed]| {
        let steps = deeds.iter().map(|deed| Step::User(device, *deed));
        steps.collect::<Vec<Step>>()
    };
    if phase.restarts {
        world.step(&Step::Stop(SUBJECT)).await.unwrap();
    }
    for step in deeds(EDITOR, &phase.elsewhere) {
        world.step(&step).await.unwrap();
    }
    work(world, EDITOR).await;
    for step in deeds(SUBJECT, &phase.here) {
        world.step(&step).await.unwrap();
    }
    if phase.synced {
        // What users saved a while ago is on the disk.
        let folder = fs::File::open(recorder.plan.folder(SUBJECT)).unwrap();
        crate::os::sync_file_system(&folder).unwrap();
    }
    recorder.snapshot();
    recorder.mark(&format!("begin {}", phase.name));
    work(world, SUBJECT).await;
    recorder.mark(&format!("end {}", phase.name));
    let came_to = words(&recorder.plan.folder(SUBJECT));
    fs::write(recorder.plan.expected(phase.name), came_to).unwrap();
}

/// A device hears what is new, looks at its folder, and passes until there is nothing to do; once
/// more, because its own changes come back.
async fn work(world: &mut World<'_>, device: usize) {
    for _ in 0..2 {
        let fine = Weather::default;
        world.step(&Step::Hear(device, fine())).await.unwrap();
        world.step(&Step::Look(device)).await.unwrap();
        for _ in 0..PASSES {
            if world.devices[device]
                .pass(fine(), &[])
                .await
                .unwrap()
                .is_none()
            {
                break;
            }
        }
    }
}
