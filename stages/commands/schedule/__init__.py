"""The pipeline on a schedule: Airflow's servers, and what its tasks run."""
