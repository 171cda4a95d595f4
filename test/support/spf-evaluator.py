# Evaluates SPF with pyspf (Debian's python3-spf), one question a line of JSON on standard input, one result a line on standard
# output. Records come from a name server, {"ip", "domain", "port"}, or from the question, {"ip", "domain", "records"}: name →
# type → data.

import json
import sys

import DNS
import spf


class Records:
    def __init__(self, records):
        self.records = records

    def look_up(self, name, qtype, strict=True, timeout=20):
        found = self.records.get(str(name).rstrip(".").lower(), {}).get(qtype, [])
        return [((name, qtype), self.data(qtype, one)) for one in found]

    def data(self, qtype, data):
        if qtype in ("TXT", "SPF"):
            return [data.encode("latin-1")]
        return (10, data) if qtype == "MX" else data


spf.DNS = DNS


def evaluate(question):
    if "port" in question:
        DNS.defaults["server"] = ["127.0.0.1"]
        DNS.defaults["port"] = question["port"]
        DNS.defaults["server_rotate"] = False
        spf.DNSLookup = spf.DNSLookup_pydns
    else:
        spf.DNSLookup = Records(question["records"]).look_up
    sender = "postmaster@" + question["domain"]
    result, why = spf.check2(i=question["ip"], s=sender, h=question["domain"], timeout=20, querytime=20)
    return {"result": result, "why": why}


for line in sys.stdin:
    print(json.dumps(evaluate(json.loads(line))), flush=True)
