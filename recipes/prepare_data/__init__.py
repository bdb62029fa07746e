"""From public files to parquet in verl's schema: read, unique, gold, overlap, write."""
