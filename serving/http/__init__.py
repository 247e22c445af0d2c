"""What crosses the wire: bodies, schemas, problems, the document, what is watched."""
