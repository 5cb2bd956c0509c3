"""Dashboards for Grafana. `python -m deploy.grafana.build` writes `dashboards/*.json`, which Grafana reads.

A file for each says what is on it, `queries.py` what several ask, `panels.py` how it is drawn. What turns orange and
red does so at the limits of the alerts (deploy/prometheus/tillswitch.rules.yml).
"""
