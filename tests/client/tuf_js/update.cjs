// Updates from a TUF repository with tuf-js and downloads targets. Prints one line of JSON. Reads one JSON argument:
// {folder, metadata, targets, token, want: [path, …]}; `folder` holds root.json, as pinned, and keeps what was learned.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const load = createRequire(path.join(process.env.TUF_JS, "package.json"));
const { Updater, BaseFetcher } = load("tuf-js");
const { DownloadHTTPError } = load("tuf-js/dist/error");

// tuf-js has no option for a header, and takes a fetcher of one's own: this one is its place for credentials.
class WithToken extends BaseFetcher {
  constructor(token) {
    super();
    this.token = token;
  }
  async fetch(url) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const answer = await fetch(url, { headers, redirect: "error" });
    // By its own kind of error tuf-js knows that there is no further root.
    if (!answer.ok) throw new DownloadHTTPError(`answered ${answer.status}`, answer.status);
    return answer.body;
  }
}

async function main(asked) {
  const targets = path.join(asked.folder, "targets");
  fs.mkdirSync(targets, { recursive: true });
  const updater = new Updater({
    metadataDir: asked.folder,
    metadataBaseUrl: asked.metadata,
    targetDir: targets,
    targetBaseUrl: asked.targets,
    fetcher: new WithToken(asked.token),
  });
  await updater.refresh();
  const found = {};
  for (const name of asked.want) {
    const target = await updater.getTargetInfo(name);
    if (!target) throw new Error(`${name} is not listed`);
    const file = await updater.downloadTarget(target, path.join(targets, encodeURIComponent(name)));
    found[name] = { custom: target.custom, base64: fs.readFileSync(file).toString("base64") };
  }
  return { found };
}

main(JSON.parse(process.argv[2])).then(
  (said) => console.log(JSON.stringify(said)),
  (error) => {
    console.log(JSON.stringify({ error: error.constructor.name, said: String(error.message) }));
    process.exitCode = 1;
  },
);
