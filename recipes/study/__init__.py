"""Study: the shipped gradient weights in small worlds where one process samples and updates; see docs/study.md."""
