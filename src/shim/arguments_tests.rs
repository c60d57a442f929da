//! The data of the argument parser: a command line, the rewritten one, and what is written down.

use super::*;
use crate::shim::command::command;
use crate::shim::reading::Seat;

const LABELS: &str = "--label=dev.shakedown.run=r1 --label=dev.shakedown.attempt=3.1.1";

fn seat() -> Seat {
    Seat {
        directory: "/ids/7".into(),
        cwd: "/cwd".into(),
        run: "r1".parse().unwrap(),
        attempt: "3.1.1".parse().unwrap(),
    }
}

/// The line as rewritten, then one line for each intent: `kind name @id-file question`.
fn report(line: &str) -> String {
    let mut words = line.split_whitespace().map(OsString::from);
    let client = words.next().unwrap().to_str().unwrap().parse().unwrap();
    let words: Vec<OsString> = words.collect();
    let reading = read(client, &words);
    let rewritten = reading.rewrite(&words, &seat());
    let joined: Vec<String> = rewritten.iter().map(lossy).collect();
    let mut text = vec![joined.join(" ").replace(LABELS, "LABELS")];
    for (made, intent) in reading.made.iter().zip(reading.intents(&seat())) {
        let file = match intent.id_file.as_str() {
            "" => String::new(),
            file => format!(" @{file}"),
        };
        let question = match made.question {
            Question::None => "",
            Question::Name => " name?",
            Question::Images => " images?",
        };
        text.push(format!("{} {}{file}{question}", intent.kind, intent.name).replace("  ", " "));
    }
    text.extend(reading.elsewhere.map(|flag| format!("elsewhere {flag}")));
    text.extend(
        reading
            .archive
            .map(|archive| format!("archive {archive:?}")),
    );
    text.join("\n")
}

#[track_caller]
fn check(line: &str, expected: &[&str]) {
    assert_eq!(report(line), expected.join("\n"), "\n{line}");
}

/// Nothing is understood and nothing is touched.
#[track_caller]
fn untouched(line: &str) {
    let (_, rest) = line.split_once(' ').unwrap_or((line, ""));
    check(line, &[rest]);
}

#[test]
fn a_container_is_known_by_its_cidfile_and_labels() {
    check(
        "docker run img",
        &[
            "run --cidfile=/ids/7/cid LABELS img",
            "container @/ids/7/cid",
        ],
    );
    check(
        "podman run img",
        &[
            "run --cidfile=/ids/7/cid LABELS img",
            "container @/ids/7/cid",
        ],
    );
    check(
        "docker container create --name=x img cmd",
        &[
            "container create --cidfile=/ids/7/cid LABELS --name=x img cmd",
            "container x @/ids/7/cid",
        ],
    );
    check(
        "podman --log-level debug create --name x img",
        &[
            "--log-level debug create --cidfile=/ids/7/cid LABELS --name x img",
            "container x @/ids/7/cid",
        ],
    );
}

#[test]
fn the_scripts_own_id_file_is_respected_and_found_from_its_directory() {
    check(
        "docker run --cidfile c.txt img",
        &["run LABELS --cidfile c.txt img", "container @/cwd/c.txt"],
    );
    check(
        "podman run --cidfile=/a/c img",
        &["run LABELS --cidfile=/a/c img", "container @/a/c"],
    );
    check(
        "docker build --iidfile i .",
        &["build --force-rm --iidfile i .", "image @/cwd/i images?"],
    );
    check(
        "podman pod create --pod-id-file p",
        &["pod create LABELS --pod-id-file p", "pod @/cwd/p"],
    );
}

#[test]
fn the_flags_of_the_containers_command_are_not_the_clients() {
    check(
        "docker run --rm img --cidfile theirs --name theirs -v data:/x",
        &[
            "run --cidfile=/ids/7/cid LABELS --rm img --cidfile theirs --name theirs -v data:/x",
            "container @/ids/7/cid",
        ],
    );
    check(
        "docker run -it img sh -c build",
        &[
            "run --cidfile=/ids/7/cid LABELS -it img sh -c build",
            "container @/ids/7/cid",
        ],
    );
    check(
        "docker run -e --name img --name y",
        &[
            "run --cidfile=/ids/7/cid LABELS -e --name img --name y",
            "container @/ids/7/cid",
        ],
    );
    check(
        "podman run --replace --tls-verify --name x img -v data:/x",
        &[
            "run --cidfile=/ids/7/cid LABELS --replace --tls-verify --name x img -v data:/x",
            "container x @/ids/7/cid",
        ],
    );
    check(
        "docker run -h host -- img --name y",
        &[
            "run --cidfile=/ids/7/cid LABELS -h host -- img --name y",
            "container @/ids/7/cid",
        ],
    );
}

#[test]
fn volumes_that_come_into_being_by_use_are_written_down() {
    check(
        "docker run -v data:/x --volume=more:/y -v data:/z -v /host:/h -v /anonymous img",
        &[
            "run --cidfile=/ids/7/cid LABELS -v data:/x --volume=more:/y -v data:/z -v /host:/h -v /anonymous img",
            "container @/ids/7/cid",
            "volume data name?",
            "volume more name?",
        ],
    );
    check(
        "podman run -itv data:/x --mount type=volume,source=more,target=/y img",
        &[
            "run --cidfile=/ids/7/cid LABELS -itv data:/x --mount type=volume,source=more,target=/y img",
            "container @/ids/7/cid",
            "volume data name?",
            "volume more name?",
        ],
    );
}

#[test]
fn a_pod_that_comes_into_being_by_use_is_written_down() {
    check(
        "podman run --pod new:p img",
        &[
            "run --cidfile=/ids/7/cid LABELS --pod new:p img",
            "container @/ids/7/cid",
            "pod p name?",
        ],
    );
    check(
        "podman run --pod p img",
        &[
            "run --cidfile=/ids/7/cid LABELS --pod p img",
            "container @/ids/7/cid",
        ],
    );
}

#[test]
fn builds_are_known_by_their_iidfile_and_get_no_label() {
    check(
        "docker build .",
        &[
            "build --iidfile=/ids/7/iid --force-rm .",
            "image @/ids/7/iid images?",
        ],
    );
    check(
        "docker build . -t a:1 --tag b --no-cache -f F",
        &[
            "build --iidfile=/ids/7/iid --force-rm . -t a:1 --tag b --no-cache -f F",
            "image a:1 @/ids/7/iid name?",
            "image b:latest @/ids/7/iid name?",
        ],
    );
    check(
        "podman build --pull -ta .",
        &[
            "build --iidfile=/ids/7/iid --pull -ta .",
            "image localhost/a:latest @/ids/7/iid name?",
        ],
    );
    check(
        "docker build --build-arg -t -q .",
        &[
            "build --iidfile=/ids/7/iid --force-rm --build-arg -t -q .",
            "image @/ids/7/iid images?",
        ],
    );
    for (group, steps) in [
        ("image build", " --force-rm"),
        ("builder build", " --force-rm"),
        ("buildx build", ""),
        ("buildx --builder b build", ""),
        ("buildx b", ""),
    ] {
        check(
            &format!("docker {group} -t x ."),
            &[
                &format!("{group} --iidfile=/ids/7/iid{steps} -t x ."),
                "image x:latest @/ids/7/iid name?",
            ],
        );
    }
}

#[test]
fn volumes_networks_and_pods_are_labelled() {
    check("docker volume create", &["volume create LABELS", "volume "]);
    check(
        "docker volume create --driver local v",
        &["volume create LABELS --driver local v", "volume v name?"],
    );
    check(
        "docker volume create --name v",
        &["volume create LABELS --name v", "volume v name?"],
    );
    check(
        "podman volume create --ignore v",
        &["volume create LABELS --ignore v", "volume v name?"],
    );
    check(
        "docker network create --internal n",
        &["network create LABELS --internal n", "network n"],
    );
    check(
        "podman network create --subnet 10.9.0.0/24",
        &["network create LABELS --subnet 10.9.0.0/24", "network "],
    );
    check(
        "podman pod create -n p --infra",
        &[
            "pod create --pod-id-file=/ids/7/pod LABELS -n p --infra",
            "pod p @/ids/7/pod",
        ],
    );
    check(
        "podman pod create p",
        &[
            "pod create --pod-id-file=/ids/7/pod LABELS p",
            "pod p @/ids/7/pod",
        ],
    );
}

#[test]
fn image_names_are_asked_for_before_they_are_given() {
    check("docker tag a b:1", &["tag a b:1", "image b:1 name?"]);
    check(
        "docker image tag a b",
        &["image tag a b", "image b:latest name?"],
    );
    check(
        "podman tag a b c",
        &[
            "tag a b c",
            "image localhost/b:latest name?",
            "image localhost/c:latest name?",
        ],
    );
    check("docker import - b:1", &["import - b:1", "image b:1 name?"]);
    check("docker import f.tar", &["import f.tar"]);
}

#[test]
fn a_commit_does_not_hand_our_labels_to_its_image() {
    let blank = "--change=LABEL dev.shakedown.run= --change=LABEL dev.shakedown.attempt=";
    check("docker commit c", &[&format!("commit {blank} c")]);
    check(
        "docker commit -m why c b",
        &[
            &format!("commit {blank} -m why c b"),
            "image b:latest name?",
        ],
    );
    check(
        "podman container commit -q c",
        &[
            &format!("container commit --iidfile=/ids/7/iid {blank} -q c"),
            "image @/ids/7/iid",
        ],
    );
    check(
        "podman commit c b",
        &[
            &format!("commit --iidfile=/ids/7/iid {blank} c b"),
            "image localhost/b:latest @/ids/7/iid name?",
        ],
    );
}

#[test]
fn what_makes_containers_unasked_is_written_down_without_a_name() {
    for line in [
        "play kube pod.yaml",
        "kube play --replace pod.yaml",
        "container clone old new",
    ] {
        check(&format!("podman {line}"), &[line, "container "]);
    }
}

#[test]
fn a_call_that_leaves_the_engine_or_its_account_is_not_journaled() {
    let by = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        journaled(&words).err().unwrap_or_default()
    };
    for (line, expected) in [
        ("run --rm img sh -c true", ""),
        ("rm -f x", ""),
        ("--root /x rm x", "--root"),
        ("volume rm --root=/x v", "--root"),
        ("-r ps", "-r"),
        ("--events-backend none run img", "--events-backend"),
        // Perhaps the program's own flag: doubt.
        ("run img program --remote", "--remote"),
    ] {
        assert_eq!(by(line), expected, "{line}");
    }
}

#[test]
fn what_goes_to_another_engine_is_named_and_left_alone() {
    check(
        "docker -H tcp://x run img",
        &["-H tcp://x run img", "elsewhere -H"],
    );
    check(
        "docker --context=other run img",
        &["--context=other run img", "elsewhere --context"],
    );
    check(
        "podman --root /x run img",
        &["--root /x run img", "elsewhere --root"],
    );
    check(
        "podman --remote run img",
        &["--remote run img", "elsewhere --remote"],
    );
    check(
        "podman run --root /x img",
        &["run --root /x img", "elsewhere --root"],
    );
    check(
        "podman run img --root /x",
        &[
            "run --cidfile=/ids/7/cid LABELS img --root /x",
            "container @/ids/7/cid",
        ],
    );
    check(
        "docker run -c 512 img",
        &[
            "run --cidfile=/ids/7/cid LABELS -c 512 img",
            "container @/ids/7/cid",
        ],
    );
}

#[test]
fn everything_else_passes_untouched() {
    for line in [
        "docker",
        "docker --version",
        "docker -D",
        "docker ps -a",
        "docker exec -it x run img",
        "docker container ls",
        "docker container",
        "docker volume rm create",
        "docker compose run img",
        "docker buildx ls",
        "docker pull img",
        "docker image save run",
        "podman generate systemd run",
        "docker play kube build",
        "podman -- ps",
        "docker -H tcp://x ps",
        "podman --root /x images",
        "podman -H tcp://x ps",
    ] {
        untouched(line);
    }
}

#[test]
fn words_that_are_no_text_pass_byte_for_byte() {
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"--env=\xff").to_owned();
    let words = [OsString::from("run"), odd.clone(), OsString::from("img")];
    let rewritten = read(EngineKind::Docker, &words).rewrite(&words, &seat());
    assert_eq!(rewritten[4], odd);
}

#[test]
fn an_archive_is_a_file_or_standard_input() {
    let file = r#"archive File("a.tar")"#;
    check("podman load -q -i a.tar", &["load -q -i a.tar", file]);
    check(
        "podman image load --input=a.tar",
        &["image load --input=a.tar", file],
    );
    check("docker load", &["load", "archive Stdin"]);
    check(
        "podman load --root /x -i a.tar",
        &["load --root /x -i a.tar", "elsewhere --root"],
    );
    check(
        "podman -r load -i a.tar",
        &["-r load -i a.tar", "elsewhere -r"],
    );
}

#[test]
fn a_command_has_one_shortest_form() {
    for (line, expected) in [
        ("run --rm x", "run"),
        ("--log-level debug container run x", "run"),
        ("image rm x", "rmi"),
        ("rmi x", "rmi"),
        ("buildx build .", "build"),
        ("builder build .", "build"),
        ("image pull x", "pull"),
        ("network rm x", "network rm"),
        ("volume remove x", "volume rm"),
        ("compose -f x.yml up -d", "compose up"),
        ("inspect network", "inspect"),
        ("container", "container"),
        ("", ""),
    ] {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        assert_eq!(command(&words), expected, "{line}");
    }
}
