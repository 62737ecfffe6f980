//! What it means now: detect, score, respond.
