"""A face: Textual screens over the advisor. They ask and show; they never compute and never decide."""
