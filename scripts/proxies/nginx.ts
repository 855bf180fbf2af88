import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeCertificate } from "./certificate.ts";
import { freePort, HOST, type StartProxy, startProgram } from "./proxy.ts";

/** nginx, set for streaming and upgrades as its documentation says, with connections to the upstream kept alive. */
export const startNginx: StartProxy = async ({ upstreamPort, folder, launcher, answerTimeout }) => {
  const version = /nginx\/([\d.]+)/.exec(spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr ?? "")?.[1];
  if (version === undefined) return null;
  const { cert, key } = await writeCertificate(folder);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const configuration = join(folder, "nginx.conf");
  await writeFile(
    configuration,
    `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  client_max_body_size 0; keepalive_requests 1000000;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream module { server ${HOST}:${upstreamPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen ${HOST}:${port}; listen ${HOST}:${tlsPort} ssl http2;
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    location / {
      proxy_pass http://module; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
      proxy_read_timeout ${answerTimeout}ms;
      proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
  );
  const program = await startProgram(["nginx", "-c", configuration, "-p", folder], { port, launcher });
  return {
    name: "nginx",
    about: `${version}, without buffering`,
    host: HOST,
    port,
    tlsPort,
    prefix: "",
    pid: program.child.pid ?? 0,
    async stop() {
      // Its worker outlives a master that is killed.
      const exited = new Promise((resolve) => void program.child.once("exit", resolve));
      program.child.kill("SIGTERM");
      await exited;
    },
  };
};
