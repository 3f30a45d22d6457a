"""Drain3 over the lines of a file: lines that a processor second takes, and how many templates it finds."""

import json
import sys
import time

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
config = TemplateMinerConfig()
config.profiling_enabled = False
miner = TemplateMiner(config=config)
began = time.process_time()
for line in lines:
    miner.add_log_message(line)
seconds = time.process_time() - began
print(json.dumps({"lines": len(lines), "templates": len(miner.drain.clusters), "lines_a_cpu_second": round(len(lines) / seconds)}))
