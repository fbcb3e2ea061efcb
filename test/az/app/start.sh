#!/bin/sh
export STARTED_BY=start.sh
exec python serve.py
