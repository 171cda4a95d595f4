// What `mxsteer --help` prints. docs/operations.md says more; a test holds the two together.

export const helpText = `mxsteer: an authoritative DNS server that steers mail

  mxsteer serve [options]            answer queries, probe the targets
  mxsteer check [DIR]                read zone files, name every mistake, serve nothing
  mxsteer probe HOST:PORT [options]  one probe, its dialogue printed as it goes

serve
  --config FILE         settings (default: mxsteer.yaml if there is one)
  --zones DIR           folder of zone files (default: zones)
  --listen ADDR:PORT    UDP and TCP; may be repeated (default: 127.0.0.1:5300)
  --admin ADDR:PORT     HTTP: /livez /readyz /metrics /targets (default: 127.0.0.1:8053); "off" for none
  --state URL           where instances share health: memory (default)
  --workers N           answering threads (default: one a core)
  --transport KIND      UDP by mmsg (Linux), dgram, or auto (default): mmsg where it works
  --instance NAME       name of this instance (default: the host's name)
  --site NAME           name of its site
  --lameduck TIME       how long to go on answering after SIGTERM (default: 5s)
  --log-level LEVEL     fatal, error, warn, info (default), debug

probe
  --level LEVEL         banner or ehlo (default: ehlo)
  --name EXCHANGE       exchange name that the target should greet with; a difference is pointed out
  --ehlo NAME           name given in EHLO (default: this host's name)

Each option of serve may come from the environment too: MXSTEER_LISTEN (comma-separated), MXSTEER_ADMIN, …

Exit codes
  0  done; probe: the target is healthy
  1  check found mistakes; probe: the target is not healthy; a failure while serving
  2  bad usage, settings or zone files
  3  an address to listen on is taken or not ours
`
