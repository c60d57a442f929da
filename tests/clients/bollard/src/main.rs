//! Everything that bollard's users do with an engine, over the socket that `DOCKER_HOST` names: containers with their
//! volumes, a command within, a terminal's two directions, archives both ways, a build, names, a commit, events. What it
//! makes stays, for whoever watches the socket to remove. Knows nothing of shakedown.

use std::collections::HashMap;
use std::error::Error;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::{
    ContainerConfig, ContainerCreateBody, EventMessage, ExecConfig, HostConfig,
    NetworkCreateRequest, VolumeCreateRequest,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, BuildImageOptionsBuilder, CommitContainerOptionsBuilder,
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, EventsOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, TagImageOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::io::AsyncWriteExt;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Client {
    docker: Docker,
    tag: String,
    base: String,
}

fn archive(name: &str, text: &str) -> Outcome<Bytes> {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len().try_into()?);
    header.set_mode(0o644);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, text.as_bytes())?;
    Ok(archive.into_inner()?.into())
}

async fn text(
    output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>>,
) -> Outcome<String> {
    let pieces: Vec<LogOutput> = output.try_collect().await?;
    Ok(pieces.iter().map(ToString::to_string).collect())
}

fn expect(found: &str, wanted: &str) -> Outcome<()> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("expected {wanted:?}, found {found:?}").into()),
    }
}

impl Client {
    /// Its id, and what was sent to its input, as `cat` gives it back.
    async fn echoing(&self) -> Outcome<String> {
        let host = HostConfig {
            network_mode: Some("none".to_owned()),
            binds: Some(vec![format!("{}-v:/v", self.tag), "/anonymous".to_owned()]),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(self.base.clone()),
            cmd: Some(vec!["cat".to_owned()]),
            open_stdin: Some(true),
            stdin_once: Some(true),
            host_config: Some(host),
            volumes: Some(vec!["/also-anonymous".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let named = CreateContainerOptionsBuilder::new().name(&format!("{}-cat", self.tag));
        let id = self
            .docker
            .create_container(Some(named.build()), body)
            .await?
            .id;
        let all = AttachContainerOptionsBuilder::new()
            .stdin(true)
            .stdout(true)
            .stream(true);
        let mut attached = self.docker.attach_container(&id, Some(all.build())).await?;
        self.docker.start_container(&id, None).await?;
        attached.input.write_all(b"through the socket\n").await?;
        attached.input.shutdown().await?;
        expect(&text(attached.output).await?, "through the socket\n")?;
        let waited = self
            .docker
            .wait_container(&id, None)
            .try_collect::<Vec<_>>()
            .await?;
        expect(&waited[0].status_code.to_string(), "0")?;
        let logs = LogsOptionsBuilder::new().stdout(true).follow(true).build();
        expect(
            &text(self.docker.logs(&id, Some(logs))).await?,
            "through the socket\n",
        )?;
        Ok(id)
    }

    /// A container that runs: commands within, and archives into it and out of it.
    async fn within(&self) -> Outcome<()> {
        let body = ContainerCreateBody {
            image: Some(self.base.clone()),
            cmd: Some(vec!["sleep".to_owned(), "1000".to_owned()]),
            ..ContainerCreateBody::default()
        };
        let id = self.docker.create_container(None, body).await?.id;
        self.docker.start_container(&id, None).await?;
        let to = UploadToContainerOptionsBuilder::new().path("/").build();
        let sent = bollard::body_full(archive("sent", "an archive\n")?);
        self.docker.upload_to_container(&id, Some(to), sent).await?;
        let exec = ExecConfig {
            cmd: Some(vec!["cat".to_owned(), "/sent".to_owned()]),
            attach_stdout: Some(true),
            ..ExecConfig::default()
        };
        let exec = self.docker.create_exec(&id, exec).await?.id;
        let StartExecResults::Attached { output, .. } = self.docker.start_exec(&exec, None).await?
        else {
            return Err("the command was not attached".into());
        };
        expect(&text(output).await?, "an archive\n")?;
        let from = DownloadFromContainerOptionsBuilder::new()
            .path("/sent")
            .build();
        let pieces = self.docker.download_from_container(&id, Some(from));
        let bytes = pieces.try_collect::<Vec<Bytes>>().await?.concat();
        let mut archive = tar::Archive::new(&*bytes);
        let entry = archive.entries()?.next().ok_or("an empty archive")??;
        expect(&entry.path()?.to_string_lossy(), "sent")
    }

    async fn images(&self, from: &str) -> Outcome<()> {
        let recipe = format!("FROM {}\nENV A={}\nRUN true\n", self.base, self.tag);
        let context = bollard::body_full(archive("Dockerfile", &recipe)?);
        let named = BuildImageOptionsBuilder::new()
            .t(&format!("{}-built:1", self.tag))
            .rm(true);
        let told = self.docker.build_image(named.build(), None, Some(context));
        told.try_for_each(|_| async { Ok(()) }).await?;
        let also = TagImageOptionsBuilder::new()
            .repo(&format!("{}-tagged", self.tag))
            .tag("1");
        self.docker
            .tag_image(&self.base, Some(also.build()))
            .await?;
        let nameless = CommitContainerOptionsBuilder::new().container(from).build();
        self.docker
            .commit_container(nameless, ContainerConfig::default())
            .await?;
        Ok(())
    }

    /// It hears of the removal of what it removes.
    async fn removal(&self) -> Outcome<()> {
        let body = ContainerCreateBody {
            image: Some(self.base.clone()),
            ..ContainerCreateBody::default()
        };
        let id = self.docker.create_container(None, body).await?.id;
        let ours = HashMap::from([("container", vec![&*id]), ("event", vec!["destroy"])]);
        // From before, so that nothing is missed while the stream begins.
        let since = EventsOptionsBuilder::new()
            .since("1")
            .filters(&ours)
            .build();
        let mut events = Box::pin(self.docker.events(Some(since)));
        let force = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        self.docker.remove_container(&id, Some(force)).await?;
        let event: Option<Result<EventMessage, _>> = events.next().await;
        let actor = event
            .ok_or("no event")??
            .actor
            .ok_or("an event of nobody")?;
        expect(&actor.id.unwrap_or_default(), &id)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let client = Client {
        docker: Docker::connect_with_defaults()?,
        tag: std::env::var("TAG")?,
        base: std::env::var("BASE")?,
    };
    let named = VolumeCreateRequest {
        name: Some(format!("{}-w", client.tag)),
        ..VolumeCreateRequest::default()
    };
    client.docker.create_volume(named).await?;
    client
        .docker
        .create_volume(VolumeCreateRequest::default())
        .await?;
    let network = NetworkCreateRequest {
        name: format!("{}-n", client.tag),
        ..NetworkCreateRequest::default()
    };
    client.docker.create_network(network).await?;
    let echoing = client.echoing().await?;
    client.within().await?;
    client.images(&echoing).await?;
    client.removal().await?;
    println!("hello from bollard");
    Ok(())
}
