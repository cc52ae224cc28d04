-- The exchange journal comes into use (src/journal). What is over is swept after a day; the open
-- ones have an index already.
create index exchanges_over on exchanges (created_at) where state not in ('intent', 'answered');
