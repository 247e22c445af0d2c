"""What crosses the wire: connections, bodies, schemas, problems, the document."""
