mod elements;
