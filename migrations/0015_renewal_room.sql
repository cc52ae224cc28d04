-- A renewal writes its instance's row three times, twice without touching an index: room in the page
-- keeps these in it. Holds for pages that are filled from now on.
alter table instances set (fillfactor = 80);
