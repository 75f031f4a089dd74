//! Many accounts of one organization, as far as `orchestera status` reads them: STS, IAM, CloudFormation and
//! Organizations on one port of loopback.
//!
//! Which state an account has follows from its number alone ([`account::State::of`]). So a checker can tell for each
//! row whether it is right. Nothing that is asked here changes anything. Signatures are not checked.
//!
//! Two processes share two cores, this one and the client. So one thread serves everything, and no answer is logged.

mod account;
mod answer;
mod cloudformation;
mod iam;
mod limits;
mod options;
mod organizations;
mod policies;
mod request;
mod server;
mod sts;
mod template;
mod xml;

use options::Options;
use server::{Fleet, serve};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::{env, process, thread};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

fn main() -> ExitCode {
    let options = match Options::read(env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    // Ends with the process that started it: that one holds the other end of standard input.
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| LocalSet::new().block_on(&runtime, listen(options)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    println!("http://{}", listener.local_addr()?);
    io::stdout().flush()?;
    serve(listener, Rc::new(Fleet::new(options))).await
}
