// Lambda's loop. AWS's own client (aws-lambda-ric) has to be compiled with CMake; this one does less, in Node's favour.
import http from "node:http";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const invocations = "/2018-06-01/runtime/invocation";

function ask(method, path, body) {
  const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path, method, agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece) => (text += piece));
      answer.on("end", () => resolve({ headers: answer.headers, text }));
    });
    request.on("error", reject).end(body);
  });
}

const { handler } = await import(pathToFileURL(process.argv[2]));
for (;;) {
  const event = await ask("GET", `${invocations}/next`);
  const invocation = `${invocations}/${event.headers["lambda-runtime-aws-request-id"]}`;
  try {
    await ask("POST", `${invocation}/response`, JSON.stringify((await handler(JSON.parse(event.text))) ?? null));
  } catch (error) {
    await ask("POST", `${invocation}/error`, JSON.stringify({ errorMessage: String(error) }));
  }
}
