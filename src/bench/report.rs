//! Runs every measurement and prints the tables.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::change::{Scene, endpoint_changes};
use crate::clock::{Times, ratio, rounds};
use crate::engines::{self, Figures};
use crate::folder::Folder;
use crate::memory::{self, Case};
use crate::mesh::{Mesh, Size, Snapshot};
use crate::native::{time_decode, time_decode_and_keep, time_translate, translate};
use crate::{size, stages};

/// The mesh by which this project measures itself.
pub const LARGE: Size = Size { services: 10_000, routes: 1, endpoints: 10 };
/// The same number of routes in fewer virtual hosts.
const MANY_ROUTES: Size = Size { services: 1_000, routes: 10, endpoints: 10 };

/// Changes that are timed in each mesh.
const CHANGES: u32 = 2_000;

/// Prints everything.
pub fn everything(count: usize) -> Result<(), Box<dyn Error>> {
    println!("{}; best of {count} runs; in brackets: how far the median is above the best.\n", machine());
    let mesh = Mesh::new(LARGE)?;
    let snapshot = mesh.snapshot();
    whole(&[(LARGE, &snapshot), (MANY_ROUTES, &Mesh::new(MANY_ROUTES)?.snapshot())], count)?;
    shares(&snapshot, count)?;
    changes(count)?;
    route_changes(count)?;
    let folder = Folder::write(&snapshot, &endpoint_changes(&mesh, LARGE.services, CHANGES))?;
    wasm(&snapshot, &folder, count)?;
    footprint(&folder)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let description = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = description.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    format!("{cores} cores of {model}, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

fn whole(meshes: &[(Size, &Snapshot)], count: usize) -> Result<(), Box<dyn Error>> {
    println!(
        "| services x routes x endpoints | xDS | prost decodes all of Envoy's fields, each resource dropped at once | \
         the same, all kept | ingest, translate, serialise | ratio to dropped | ratio to kept | JSON |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (size, snapshot) in meshes {
        let (_, json) = translate(snapshot)?;
        let [decoded, kept, translated] = rounds(
            count,
            [&mut || time_decode(snapshot), &mut || time_decode_and_keep(snapshot), &mut || time_translate(snapshot)],
        );
        println!(
            "| {} x {} x {} | {} | {} | {} | {} | **{:.2}** | **{:.2}** | {} |",
            size.services,
            size.routes,
            size.endpoints,
            megabytes(snapshot.len()),
            milliseconds(&decoded),
            milliseconds(&kept),
            milliseconds(&translated),
            ratio(translated.best(), decoded.best()),
            ratio(translated.best(), kept.best()),
            megabytes(json.len()),
        );
    }
    println!();
    Ok(())
}

fn shares(snapshot: &Snapshot, count: usize) -> Result<(), Box<dyn Error>> {
    let stages = stages::measure(snapshot, count)?;
    println!("| stage of the first row | time |");
    println!("|---|--:|");
    println!("| ingest clusters, endpoints, routes | {} |", milliseconds(&stages.ingest));
    println!("| of which decoding alone | {} |", milliseconds(&stages.decode));
    println!("| of which searching for what is not translated | {} |", milliseconds(&stages.scan));
    println!("| ingest listeners; plan upstreams and routes, each to JSON | {} |", milliseconds(&stages.plan));
    println!("| serialise the change set | {} |\n", milliseconds(&stages.serialise));
    Ok(())
}

fn changes(count: usize) -> Result<(), Box<dyn Error>> {
    let mut scenes = Vec::new();
    for services in [100, 1_000, 10_000] {
        let mesh = Mesh::new(Size { services, ..LARGE })?;
        scenes.push((services, Scene::new(&mesh, endpoint_changes(&mesh, services, CHANGES))?));
    }
    let block = 100;
    for _ in 0..CHANGES.div_ceil(block) {
        for (_, scene) in &mut scenes {
            scene.play(block as usize)?;
        }
    }
    let smallest = scenes.first().map(|(_, scene)| scene.median()).unwrap_or_default();
    println!("| services | one endpoint of ten changes: best | median | median as a multiple of the first row |");
    println!("|--:|--:|--:|--:|");
    for (services, scene) in &scenes {
        let (best, median) = (microseconds(scene.times.best()), microseconds(scene.median()));
        println!("| {services} | {best} | {median} | {:.2} |", ratio(scene.median(), smallest));
    }
    println!();
    let mesh = Mesh::new(LARGE)?;
    let mut scene = Scene::new(&mesh, vec![mesh.routes(1), mesh.routes(2)])?;
    scene.play(count)?;
    println!("One virtual host of {} changes: {}.\n", LARGE.services, milliseconds(&scene.times));
    Ok(())
}

/// One of many virtual hosts of a route configuration, each with ten routes, changes. The control plane sends all of
/// them each time: each is recognised by its bytes, and only that one is decoded, planned and written.
pub fn route_changes(count: usize) -> Result<(), Box<dyn Error>> {
    let mut scenes = Vec::new();
    for services in [100, 1_000, 10_000] {
        let mesh = Mesh::new(Size { services, routes: 10, endpoints: 1 })?;
        let changes = vec![mesh.routes(1), mesh.routes(2)];
        scenes.push((services, changes.iter().map(bytes::Bytes::len).max(), Scene::new(&mesh, changes)?));
    }
    for _ in 0..count {
        for (_, _, scene) in &mut scenes {
            scene.play(10)?;
        }
    }
    let smallest = scenes.first().map(|(_, _, scene)| scene.median()).unwrap_or_default();
    println!("| virtual hosts of ten routes | response | one of them changes: best | median | as a multiple of the first row |");
    println!("|--:|--:|--:|--:|--:|");
    for (services, bytes, scene) in &scenes {
        let (best, median) = (microseconds(scene.times.best()), microseconds(scene.median()));
        let bytes = megabytes(bytes.unwrap_or_default());
        println!("| {services} | {bytes} | {best} | {median} | {:.2} |", ratio(scene.median(), smallest));
    }
    println!();
    Ok(())
}

fn wasm(snapshot: &Snapshot, folder: &Folder, count: usize) -> Result<(), Box<dyn Error>> {
    let module = target().join("wasm32-unknown-unknown/plugin/amesh_bench_wasm.wasm");
    let (_, json) = translate(snapshot)?;
    let [decoded] = rounds(count, [&mut || time_decode(snapshot)]);
    println!("| the first mesh as wasm | first time | best | ratio to native decode | endpoint change | memory |");
    println!("|---|--:|--:|--:|--:|--:|");
    engine("V8 (node)", engines::v8(&module, folder.path(), count), &decoded, json.len())?;
    if let Ok(python) = std::env::var("AMESH_PYTHON") {
        let figures = engines::wasmtime(&python, &module, folder.path(), count);
        engine("wasmtime 0.38 (APISIX's)", figures, &decoded, json.len())?;
    }
    println!();
    Ok(())
}

fn engine(
    name: &str,
    figures: Result<Figures, Box<dyn Error>>,
    decoded: &Times,
    json: usize,
) -> Result<(), Box<dyn Error>> {
    let figures = match figures {
        Ok(figures) => figures,
        Err(error) => {
            println!("| {name} | not measured: {} | | | | |", error.to_string().lines().last().unwrap_or_default());
            return Ok(());
        }
    };
    if figures.bytes != json as u64 {
        return Err(format!("{name} made {} bytes of JSON, this machine {json}", figures.bytes).into());
    }
    println!(
        "| {name} | {:.0} ms | {} | **{:.2}** | {} | {} |",
        figures.snapshot.first().as_secs_f64() * 1000.0,
        milliseconds(&figures.snapshot),
        ratio(figures.snapshot.best(), decoded.best()),
        microseconds(figures.change.median()),
        megabytes(usize::try_from(figures.memory)?),
    );
    Ok(())
}

fn footprint(folder: &Folder) -> Result<(), Box<dyn Error>> {
    println!("| peak memory for the first mesh, beyond its messages | |");
    println!("|---|--:|");
    println!("| decode all of Envoy's fields, one resource after the other | {} |", memory_of(Case::Decode, folder)?);
    println!("| ingest, translate, serialise | {} |\n", memory_of(Case::Translate, folder)?);
    let module = std::env::var("AMESH_WASM").unwrap_or_else(|_| "dist/amesh.wasm".to_owned());
    match size::of(Path::new(&module)) {
        Ok((raw, zipped)) => println!("amesh.wasm: {raw} bytes, {zipped} with gzip."),
        Err(error) => println!("amesh.wasm: not measured: {error}"),
    }
    Ok(())
}

fn memory_of(case: Case, folder: &Folder) -> Result<String, Box<dyn Error>> {
    Ok(megabytes(usize::try_from(memory::measure(case, folder.path())?)?))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

fn milliseconds(times: &Times) -> String {
    format!("{:.1} ms (+{:.0} %)", times.best().as_secs_f64() * 1000.0, times.noise() * 100.0)
}

fn microseconds(time: std::time::Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
